package auth

import (
	"strings"
	"testing"
	"unicode"
)

func TestNormalizeEmail(t *testing.T) {
	t.Parallel()
	label63 := strings.Repeat("a", 63)
	tests := map[string]struct {
		raw, email, key string
	}{
		"plain":                      {"aturing@gmail.com", "aturing@gmail.com", "aturing@gmail.com"},
		"surrounding white space":    {" \t\u00a0aturing@gmail.com\r\n", "aturing@gmail.com", "aturing@gmail.com"},
		"case is kept and folded":    {"ATuring@GMail.COM", "ATuring@GMail.COM", "aturing@gmail.com"},
		"dots are kept":              {"a.turing@gmail.com", "a.turing@gmail.com", "a.turing@gmail.com"},
		"plus is kept":               {"aturing+pay@gmail.com", "aturing+pay@gmail.com", "aturing+pay@gmail.com"},
		"every mark of an atom":      {"!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org", "!#$%&'*+-/=?^_`{|}~@x.org"},
		"one letter":                 {"a@b.co", "a@b.co", "a@b.co"},
		"digits and hyphens":         {"7@3-4.example.co.uk", "7@3-4.example.co.uk", "7@3-4.example.co.uk"},
		"local part of 64":           {strings.Repeat("a", 64) + "@x.org", strings.Repeat("a", 64) + "@x.org", strings.Repeat("a", 64) + "@x.org"},
		"label of 63":                {"a@" + label63 + ".org", "a@" + label63 + ".org", "a@" + label63 + ".org"},
		"local part beyond ASCII":    {"дмитрий@example.com", "дмитрий@example.com", "дмитрий@example.com"},
		"its case":                   {"ДМИТРИЙ@example.com", "ДМИТРИЙ@example.com", "дмитрий@example.com"},
		"its normal form":            {"jose\u0301@example.com", "jose\u0301@example.com", "jos\u00e9@example.com"},
		"sharp s folds":              {"Straße@example.com", "Straße@example.com", "strasse@example.com"},
		"capital sharp s folds":      {"STRAẞE@example.com", "STRAẞE@example.com", "strasse@example.com"},
		"final sigma folds":          {"ΟΔΥΣΣΕΥΣ@example.com", "ΟΔΥΣΣΕΥΣ@example.com", "οδυσσευσ@example.com"},
		"iota below a dotted alpha":  {"\u1fb3\u0323@example.com", "\u1fb3\u0323@example.com", "α\u0323ι@example.com"},
		"Kelvin sign folds":          {"\u212a@example.com", "\u212a@example.com", "k@example.com"},
		"ligature folds":             {"o\ufb03ce@example.com", "o\ufb03ce@example.com", "office@example.com"},
		"Turkish dotted capital":     {"İ@example.com", "İ@example.com", "i\u0307@example.com"},
		"Turkish dotless stays":      {"ı@example.com", "ı@example.com", "ı@example.com"},
		"Arabic and Chinese":         {"用户@例子.中国", "用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"},
		"right to left":              {"مثال@مثال.السعودية", "مثال@مثال.السعودية", "مثال@xn--mgbh0fb.xn--mgberp4a5d4ar"},
		"domain beyond ASCII":        {"a@Bücher.Example", "a@Bücher.Example", "a@xn--bcher-kva.example"},
		"domain in ASCII form":       {"a@XN--BCHER-KVA.example", "a@XN--BCHER-KVA.example", "a@xn--bcher-kva.example"},
		"domain in another form":     {"a@bu\u0308cher.example", "a@bu\u0308cher.example", "a@xn--bcher-kva.example"},
		"domain in full width":       {"a@ｅｘａｍｐｌｅ。ｃｏｍ", "a@ｅｘａｍｐｌｅ。ｃｏｍ", "a@example.com"},
		"sharp s in a domain stays":  {"a@straße.example", "a@straße.example", "a@xn--strae-oqa.example"},
		"so does the capital one":    {"a@STRAẞE.example", "a@STRAẞE.example", "a@xn--strae-oqa.example"},
		"and ss is another":          {"a@STRASSE.example", "a@STRASSE.example", "a@strasse.example"},
		"emoji in the local part":    {"🔑@example.com", "🔑@example.com", "🔑@example.com"},
		"254 octets":                 {"a@" + strings.Repeat("b.", 124) + "exam", "a@" + strings.Repeat("b.", 124) + "exam", "a@" + strings.Repeat("b.", 124) + "exam"},
		"name in front is no part":   {"alan@turing.example", "alan@turing.example", "alan@turing.example"},
		"apostrophe of a name":       {"o'brien@example.ie", "o'brien@example.ie", "o'brien@example.ie"},
		"top level in ASCII form":    {"a@example.xn--p1ai", "a@example.xn--p1ai", "a@example.xn--p1ai"},
		"digits in front of the end": {"a@127.0.0.example", "a@127.0.0.example", "a@127.0.0.example"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			email, key, err := NormalizeEmail(tc.raw)
			if email != tc.email || key != tc.key || err != nil {
				t.Errorf("got %q, %q, %v, want %q, %q", email, key, err, tc.email, tc.key)
			}
		})
	}
}

// New addresses are ASCII before the @. Those that exist are still found.
func TestNewEmail(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Ada+shop@Example.com":   "",
		"ada@Bücher.example":     "",
		"ada@例子.中国":              "",
		"用户@example.com":         "email_ascii",
		"josé@example.com":       "email_ascii",
		"jose\u0301@example.com": "email_ascii",
		"ａda@example.com":        "email_ascii",
		"ada@localhost":          "email_domain",
		"ada\u200b@example.com":  "email_character",
	} {
		email, key, err := NewEmail(raw)
		if code := inputCode(err); code != want {
			t.Errorf("%+q: got code %q, want %q", raw, code, want)
		}
		wantEmail, wantKey, _ := NormalizeEmail(raw)
		if want == "" && (email != wantEmail || key != wantKey) {
			t.Errorf("%+q: got %q, %q, want %q, %q", raw, email, key, wantEmail, wantKey)
		}
	}
}

func TestEmailsThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, want string }{
		"empty":                       {"", "email_no_at"},
		"white space":                 {" \t ", "email_no_at"},
		"no @":                        {"aturing.example.com", "email_no_at"},
		"full-width @":                {"aturing＠example.com", "email_no_at"},
		"two @":                       {"a@b@example.com", "email_many_at"},
		"two @ in a row":              {"a@@example.com", "email_many_at"},
		"quoted":                      {`"alan turing"@example.com`, "email_character"},
		"quoted without a space":      {`"a@b"@example.com`, "email_quoted"},
		"name in front":               {"Alan <aturing@example.com>", "email_character"},
		"angle brackets":              {"<aturing@example.com>", "email_local"},
		"comment":                     {"aturing(home)@example.com", "email_local"},
		"list":                        {"a,b@example.com", "email_local"},
		"mailto":                      {"mailto:a@example.com", "email_local"},
		"backslash":                   {`a\b@example.com`, "email_local"},
		"Greek question mark, a ;":    {"a\u037eb@example.com", "email_local"},
		"nothing before the @":        {"@mail.test", "email_local"},
		"dot first":                   {".a@example.com", "email_local"},
		"dot last":                    {"a.@example.com", "email_local"},
		"two dots":                    {"a..b@example.com", "email_local"},
		"local part of 65":            {strings.Repeat("a", 65) + "@example.com", "email_local"},
		"local part of 66, 33 chars":  {strings.Repeat("ü", 33) + "@example.com", "email_local"},
		"68 when it is folded":        {strings.Repeat("և", 17) + "@example.com", "email_local"},
		"space inside":                {"a b@example.com", "email_character"},
		"no-break space inside":       {"a\u00a0b@example.com", "email_character"},
		"space around the @":          {"a @ example.com", "email_character"},
		"NUL":                         {"a\x00@example.com", "email_character"},
		"line break":                  {"a@example.com\nBcc: b@example.com", "email_character"},
		"delete":                      {"a\x7f@example.com", "email_character"},
		"C1 control":                  {"a\u0080b@example.com", "email_character"},
		"right-to-left override":      {"a\u202eb@example.com", "email_character"},
		"left-to-right mark":          {"a\u200eb@example.com", "email_character"},
		"isolate":                     {"a@exa\u2066mple.com", "email_character"},
		"zero-width space":            {"a\u200bb@example.com", "email_character"},
		"zero-width joiner":           {"a\u200db@example.com", "email_character"},
		"zero-width space in domain":  {"a@exam\u200bple.com", "email_character"},
		"byte order mark first":       {"\ufeffa@example.com", "email_character"},
		"soft hyphen":                 {"a\u00adb@example.com", "email_character"},
		"word joiner":                 {"a\u2060b@example.com", "email_character"},
		"Hangul filler":               {"a\u3164@example.com", "email_character"},
		"grapheme joiner":             {"a\u034f@example.com", "email_character"},
		"variation selector":          {"a\ufe0f@example.com", "email_character"},
		"tag character":               {"a\U000e0061@example.com", "email_character"},
		"braille blank":               {"a\u2800@example.com", "email_character"},
		"private use":                 {"a\ue000@example.com", "email_character"},
		"unassigned":                  {"a\u0378@example.com", "email_character"},
		"replacement character":       {"a\ufffd@example.com", "email_character"},
		"invalid UTF-8":               {"a\xff@example.com", "email_encoding"},
		"surrogate":                   {"a\xed\xa0\x80@example.com", "email_encoding"},
		"nothing after the @":         {"a@", "email_domain"},
		"localhost":                   {"root@localhost", "email_domain"},
		"IPv4 literal":                {"a@[127.0.0.1]", "email_domain"},
		"IPv6 literal":                {"a@[IPv6:::1]", "email_domain"},
		"IPv4 address":                {"a@127.0.0.1", "email_domain"},
		"IPv4 address, full width":    {"a@１２７.０.０.１", "email_domain"},
		"numeric ending":              {"a@example.123", "email_domain"},
		"domain starts with a dot":    {"a@.example.com", "email_domain"},
		"domain ends with a dot":      {"a@example.com.", "email_domain"},
		"domain with two dots":        {"a@example..com", "email_domain"},
		"dot alone":                   {"a@.", "email_domain"},
		"underscore":                  {"a@exa_mple.com", "email_domain"},
		"label starts with a hyphen":  {"a@-example.com", "email_domain"},
		"label ends with a hyphen":    {"a@example-.com", "email_domain"},
		"label of 64":                 {"a@" + strings.Repeat("a", 64) + ".com", "email_domain"},
		"label of 64 in ASCII form":   {"a@" + strings.Repeat("ü", 60) + ".com", "email_domain"},
		"broken Punycode":             {"a@xn--\u00fc.com", "email_domain"},
		"Punycode of ASCII":           {"a@xn--abc-.com", "email_domain"},
		"Punycode of a capital":       {"a@xn--bcher-2pa.com", "email_domain"},
		"port":                        {"a@example.com:25", "email_domain"},
		"path":                        {"a@example.com/b", "email_domain"},
		"mixed directions in a label": {"a@aم1b.com", "email_domain"},
		"so when it is mapped":        {"a@ℷc.com", "email_domain"},
		"255 octets":                  {"a@" + strings.Repeat("b.", 124) + "examp", "email_long"},
		"255 octets in ASCII form":    {"a@" + strings.Repeat("ü.", 48) + "com", "email_long"},
		"megabytes":                   {strings.Repeat("a@", 5<<20), "email_long"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			email, key, err := NormalizeEmail(tc.raw)
			if got := inputCode(err); got != tc.want || email != "" || key != "" {
				t.Errorf("got %q, %q, %q (%v), want %s", email, key, got, err, tc.want)
			}
			if address := strings.TrimSpace(tc.raw); len(address) > 1 && err != nil && strings.Contains(err.Error(), address) {
				t.Errorf("the error quotes the address: %v", err)
			}
		})
	}
}

// Every visible character folds to what folds to itself, also next to marks
// that change places when they are folded.
func TestFoldingIsFinalForEveryCharacter(t *testing.T) {
	t.Parallel()
	checked := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !visible(r) {
			continue
		}
		checked++
		once := fold("a" + string(r) + "i\u0345\u0301" + string(r) + "b")
		if twice := fold(once); twice != once {
			t.Errorf("%U: got %+q, which folds to %+q, want it final", r, once, twice)
		}
	}
	if checked < 140_000 {
		t.Errorf("got %d visible characters, want those of Unicode 15 or later", checked)
	}
}

func TestLetterCaseDoesNotMatter(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"aturing@gmail.com", "straße@example.com", "οδυσσευς@παράδειγμα.example", "дмитрий@пример.example",
		"ꮳꮃꭹ@example.com", "դավիթ@example.com", "ǆ@example.com", "ﬃ@bücher.example",
	} {
		_, lower, err := NormalizeEmail(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
		}
		_, upper, err := NormalizeEmail(strings.ToUpper(address))
		if err != nil || upper != lower {
			t.Errorf("%s: got key %q, %v for its capitals, want %q", address, upper, err, lower)
		}
	}
}

// FuzzNormalizeEmail holds that a key is an address, its own key, and that of
// the address as it is shown.
func FuzzNormalizeEmail(f *testing.F) {
	for _, seed := range []string{
		"aturing@gmail.com", " ATuring@GMail.COM ", "Straße@STRAẞE.example", "用户@例子.中国",
		"İ@xn--bcher-kva.example", "a\u0345\u0301@x.y", `"a b"@x.y`, "a@[::1]", "a@b\u200dc.d", "ΐ\u037e@x.y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		email, key, err := NormalizeEmail(raw)
		if err != nil {
			if code := inputCode(err); !strings.HasPrefix(code, "email_") {
				t.Fatalf("got %q, want the code of an *InputError", code)
			}
			return
		}
		if email != strings.TrimSpace(raw) {
			t.Errorf("email: got %q, want %q as it was given", email, raw)
		}
		for _, same := range []string{email, key} {
			if _, again, err := NormalizeEmail(same); again != key || err != nil {
				t.Errorf("key of %+q: got %+q, %v, want %+q", same, again, err, key)
			}
		}
		if len(key) > maxEmailBytes || strings.Count(key, "@") != 1 {
			t.Errorf("key: got %+q, want an address", key)
		}
	})
}
