package auth

import (
	"strings"
	"testing"
)

// england is the flag of England: a black flag, gbeng in tag characters, and the end tag.
const england = "\U0001F3F4\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F"

func TestNormalizeName(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, want string }{
		"plain":                         {"Alan Turing", "Alan Turing"},
		"surrounding white space":       {"\u3000 Alan Turing\n", "Alan Turing"},
		"space inside is kept":          {"Alan  M.  Turing", "Alan  M.  Turing"},
		"case is kept":                  {"MacDonald of the ISLES", "MacDonald of the ISLES"},
		"is composed":                   {"Jose\u0301", "Jos\u00e9"},
		"one character":                 {"李", "李"},
		"full-width space":              {"山田\u3000太郎", "山田\u3000太郎"},
		"right to left":                 {"محمد", "محمد"},
		"ZWNJ, as in Persian":           {"علی\u200cرضا", "علی\u200cرضا"},
		"ZWJ, as in Sinhala":            {"ක්\u200dෂ", "ක්\u200dෂ"},
		"emoji of three":                {"👩\u200d💻", "👩\u200d💻"},
		"emoji in colour":               {"I ❤\ufe0f pay", "I ❤\ufe0f pay"},
		"punctuation":                   {"Anne-Marie O’Neill, Jr.", "Anne-Marie O’Neill, Jr."},
		"letter of Unicode 15.1":        {"\U0002ebf0", "\U0002ebf0"},
		"not assigned yet":              {"\u0378", "\u0378"},
		"right-to-left mark":            {"(محمد\u200f)", "(محمد\u200f)"},
		"left-to-right mark":            {"محمد \u200e3", "محمد \u200e3"},
		"Arabic letter mark":            {"3\u061c محمد", "3\u061c محمد"},
		"Arabic number sign":            {"محمد \u06003", "محمد \u06003"},
		"what others take for markup":   {`<b>"Robert'); --</b>`, `<b>"Robert'); --</b>`},
		"100 characters":                {strings.Repeat("ü", 100), strings.Repeat("ü", 100)},
		"100 characters once composed":  {strings.Repeat("u\u0308", 100), strings.Repeat("ü", 100)},
		"100 characters decomposed":     {strings.Repeat("\u03b1\u0313\u0300\u0345", 100), strings.Repeat("\u1f82", 100)},
		"flag of England":               {england, england},
		"flags in a row":                {"Ada " + england + england + "\U0001F3F4", "Ada " + england + england + "\U0001F3F4"},
		"flag beside a joiner":          {england + "\u200d☠", england + "\u200d☠"},
		"grapheme joiner in Hebrew":     {"\u05d9\u05b7\u034f\u05b4\u05dd", "\u05d9\u05b7\u034f\u05b4\u05dd"},
		"grapheme joiner of letters":    {"c\u034fh", "c\u034fh"},
		"100 characters once trimmed":   {" " + strings.Repeat("a", 100) + " ", strings.Repeat("a", 100)},
		"zero, which is no empty value": {"0", "0"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := NormalizeName(tc.raw)
			if got != tc.want || err != nil {
				t.Errorf("got %q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

func TestNamesThatAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ raw, want string }{
		"empty":                         {"", "name_empty"},
		"white space":                   {" \t\u00a0\u3000\n", "name_empty"},
		"variation selector alone":      {"\ufe0f", "name_empty"},
		"joiners alone":                 {"\u200d\u200c", "name_character"},
		"direction marks alone":         {"\u200e\u200f\u061c", "name_empty"},
		"noncharacter":                  {"Alan\ufdd0", "name_character"},
		"noncharacter of a late plane":  {"Alan\U000efffe", "name_character"},
		"reserved and invisible":        {"Alan\U000e0fff", "name_character"},
		"private use of the last plane": {"Alan\U0010fffd", "name_character"},
		"isolate around a direction":    {"\u2068محمد\u2069", "name_character"},
		"zero-width space alone":        {"\u200b", "name_character"},
		"zero-width space inside":       {"Al\u200ban", "name_character"},
		"joiner first":                  {"\u200dAlan", "name_character"},
		"joiner last":                   {"Alan\u200c", "name_character"},
		"two joiners":                   {"Al\u200c\u200dan", "name_character"},
		"byte order mark":               {"\ufeffAlan", "name_character"},
		"soft hyphen":                   {"Al\u00adan", "name_character"},
		"right-to-left override":        {"Alan\u202egnirut", "name_character"},
		"left-to-right embedding":       {"\u202aAlan", "name_character"},
		"isolate":                       {"\u2067Alan\u2069", "name_character"},
		"Hangul filler alone":           {"\u3164", "name_character"},
		"braille blank alone":           {"\u2800", "name_character"},
		"grapheme joiner alone":         {"\u034f", "name_character"},
		"grapheme joiner first":         {"\u034fAda", "name_character"},
		"grapheme joiner last":          {"Ada\u034f", "name_character"},
		"two grapheme joiners":          {"c\u034f\u034fh", "name_character"},
		"grapheme joiner and joiner":    {"c\u034f\u200dh", "name_character"},
		"tags after a letter":           {"A" + strings.TrimPrefix(england, "\U0001F3F4"), "name_character"},
		"tags without the end":          {"\U0001F3F4\U000E0067\U000E0062", "name_character"},
		"end tag without tags":          {"\U0001F3F4\U000E007F", "name_character"},
		"tags after a flag's end":       {england + "\U000E0067\U000E007F", "name_character"},
		"language tag in a flag":        {"\U0001F3F4\U000E0001\U000E0067\U000E007F", "name_character"},
		"letter inside a flag's tags":   {"\U0001F3F4\U000E0067a\U000E007F", "name_character"},
		"tags on a flag of white":       {"\U0001F3F3\U000E0067\U000E0062\U000E007F", "name_character"},
		"hidden tag characters":         {"Alan\U000e0068\U000e0069", "name_character"},
		"line break":                    {"Alan\nTuring", "name_character"},
		"tabulator":                     {"Alan\tTuring", "name_character"},
		"line separator":                {"Alan\u2028Turing", "name_character"},
		"NUL":                           {"Alan\x00", "name_character"},
		"escape":                        {"Alan\x1b[31m", "name_character"},
		"private use":                   {"\ue000", "name_character"},
		"replacement character":         {"Al\ufffdn", "name_character"},
		"invalid UTF-8":                 {"Al\xffn", "name_encoding"},
		"101 characters":                {strings.Repeat("ü", 101), "name_long"},
		"megabytes":                     {strings.Repeat("a", 10<<20), "name_long"},
		"51 that compose into two each": {strings.Repeat("\u0958", 51), "name_long"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := NormalizeName(tc.raw)
			if code := inputCode(err); code != tc.want || got != "" {
				t.Errorf("got %q, %q (%v), want %s", got, code, err, tc.want)
			}
			if len(tc.raw) > 2 && err != nil && strings.Contains(err.Error(), tc.raw) {
				t.Errorf("the error quotes the name: %v", err)
			}
		})
	}
}

// FuzzNormalizeName holds that a normal name is its own normal form.
func FuzzNormalizeName(f *testing.F) {
	for _, seed := range []string{"Alan Turing", " Jose\u0301 ", "👩\u200d💻", "\u200d", "a\u0345\u0301", "\u0958", england, "c\u034fh", strings.Repeat("\u0301", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name, err := NormalizeName(raw)
		if err != nil {
			if code := inputCode(err); !strings.HasPrefix(code, "name_") {
				t.Fatalf("got %q, want the code of an *InputError", code)
			}
			return
		}
		if again, err := NormalizeName(name); again != name || err != nil {
			t.Errorf("%+q: got %+q, %v, want it unchanged", name, again, err)
		}
	})
}
