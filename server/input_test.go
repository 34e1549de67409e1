package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/idna"
)

// What an email may be is tested in server/auth. Here: that the rules are those
// of the whole chain, and that one address is one user.
func TestEmailsThroughTheChain(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	longDomain, err := idna.Lookup.ToASCII(strings.Repeat(strings.Repeat("\u01d6", 17)+".", 7) + "de")
	if err != nil {
		t.Fatal(err)
	}
	longest := strings.Repeat("a", 64) + "@" + strings.Repeat("b.", 92) + "exampl" // of 255
	for _, tc := range []struct {
		name, email string
		// stored is the email of the answer, "" if the email is refused.
		stored string
		// same is another spelling of the same address.
		same string
	}{
		{"space around it", " \t\u00a0ada@space.example\r\n", "ada@space.example", "ADA@SPACE.EXAMPLE"},
		{"capitals", "Ada@Case.Example", "Ada@Case.Example", "aDA@cASE.eXAMPLE"},
		{"a domain beyond ASCII", "ada@Bücher.example", "ada@xn--bcher-kva.example", "ada@xn--bcher-kva.example"},
		{"a right-to-left domain", "ada@مثال.السعودية", "ada@xn--mgbh0fb.xn--mgberp4a5d4ar", "ADA@مثال.السعودية"},
		{"a domain in another normal form", "ada@bu\u0308cher2.example", "ada@xn--bcher2-3ya.example", "ada@b\u00fccher2.example"},
		{"a domain that is sent decomposed in 370 characters", "ada@" + strings.Repeat(strings.Repeat("u\u0308\u0304", 17)+".", 7) + "de", "ada@" + longDomain, "ADA@" + strings.Repeat(strings.Repeat("\u01d6", 17)+".", 7) + "de"},
		{"a local part of 64 bytes", strings.Repeat("a", 64) + "@local.example", strings.Repeat("a", 64) + "@local.example", ""},
		{"254 bytes", longest[1:], longest[1:], ""},
		{"a local part of 65 bytes", strings.Repeat("a", 65) + "@local.example", "", ""},
		{"255 bytes", longest, "", ""},
		{"254 characters of more bytes", strings.Repeat("é", 60) + "@" + strings.Repeat("b.", 93) + "example", "", ""},
		{"a space in it", "a da@example.com", "", ""},
		{"NUL", "ada\u0000@example.com", "", ""},
		{"a line break", "ada@example.com\nbcc:eve@example.com", "", ""},
		{"CRLF", "ada@example.com\r\nX-Evil: 1", "", ""},
		{"a bidi override", "ada\u202e@example.com", "", ""},
		{"a zero-width space", "ada\u200b@example.com", "", ""},
		{"a zero-width joiner in the domain", "ada@exa\u200dmple.com", "", ""},
		{"a byte order mark", "\ufeffada@example.com", "", ""},
		{"a soft hyphen", "a\u00adda@example.com", "", ""},
		{"a full-width @", "ada＠example.com", "", ""},
		{"an IP address", "ada@[127.0.0.1]", "", ""},
		{"a host without a dot", "ada@localhost", "", ""},
		{"markup", "<ada@example.com>", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := *a
			a.t = t
			body := object{"userName": "Ada", "email": tc.email, "password": password}
			got := a.post("/user/register", "", body)
			if tc.stored == "" {
				for _, v := range got.problem(t, 400, "invalid_request")["errors"].([]any) {
					if at := v.(object)["pointer"]; at != "#/email" {
						t.Errorf("the problem points to %v", at)
					}
				}
				return
			}
			me := a.get("/user", got.want(t, 201).text(t, "access_token")).list(t)
			if me[0]["email"] != tc.stored {
				t.Errorf("the email is %q, want %q", me[0]["email"], tc.stored)
			}
			for _, spelling := range []string{tc.email, tc.same} {
				if spelling != "" {
					body["email"] = spelling
					a.post("/user/register", "", body).problem(t, 409, "email_taken")
					a.post("/user/login", "", object{"email": spelling, "password": password}).want(t, 201)
				}
			}
		})
	}
}

// A local part beyond ASCII is refused where an address is new. Users who have one
// log in with it, send it back in a PATCH, and move away from it.
func TestEmailsBeyondASCIIBeforeTheAt(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	const old = "用户@Bücher.example"
	patch := func(email string) answer {
		return a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"email": email}})
	}
	wantRefused := func(got answer) {
		t.Helper()
		v := got.problem(t, 422, "invalid_email")["errors"].([]any)[0].(object)
		if v["pointer"] != "#/email" || !strings.Contains(v["detail"].(string), "before the @") {
			t.Errorf("the violation is %v", v)
		}
	}
	body := object{"userName": "Ada", "email": old, "password": password}
	wantRefused(a.post("/user/register", "", body))
	wantRefused(a.post("/user", me.token, body))
	wantRefused(patch(old))

	u, err := a.store.User(t.Context(), me.id)
	if err != nil {
		t.Fatal(err)
	}
	u.Email, u.EmailKey = old, "用户@xn--bcher-kva.example"
	if err := a.store.UpdateUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	a.post("/user/login", "", object{"email": old, "password": password}).want(t, 201)
	if got := patch(old).want(t, 200).text(t, "email"); got != "用户@xn--bcher-kva.example" {
		t.Errorf("the email is %q", got)
	}
	patch("ada@moved.example").want(t, 200)
	a.post("/user/login", "", object{"email": "ada@moved.example", "password": password}).want(t, 201)
}

func TestNamesThroughTheChain(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, tc := range []struct {
		name, given string
		status      int
		stored      string
	}{
		{"space around it", "\u00a0 Ada \n", 200, "Ada"},
		{"another normal form", "Jose\u0301", 200, "Jos\u00e9"},
		{"right to left", "محمد", 200, "محمد"},
		{"joiners where a script needs them", "क्\u200dष", 200, "क्\u200dष"},
		{"an emoji of several characters", "👩\u200d👩\u200d👧", 200, "👩\u200d👩\u200d👧"},
		{"100 characters", strings.Repeat("é", 100), 200, strings.Repeat("é", 100)},
		{"100 characters beyond the basic plane", strings.Repeat("𝒜", 100), 200, strings.Repeat("𝒜", 100)},
		{"100 characters that are sent decomposed", strings.Repeat("e\u0301", 100), 200, strings.Repeat("é", 100)},
		{"100 characters that decompose into four each", strings.Repeat("\u03b1\u0313\u0300\u0345", 100), 200, strings.Repeat("\u1f82", 100)},
		{"100 Hangul syllables that are sent as letters", strings.Repeat("\u1112\u1161\u11ab", 100), 200, strings.Repeat("한", 100)},
		{"101 characters", strings.Repeat("é", 101), 422, ""},
		{"101 characters that are sent decomposed", strings.Repeat("e\u0301", 101), 422, ""},
		{"more than 100 characters may have", strings.Repeat("a", 401), 400, ""},
		{"100 characters whose normal form has 200", strings.Repeat("\u0958", 100), 422, ""},
		{"spaces alone", " \t ", 400, ""},
		{"what looks like nothing", "\u3164", 422, ""},
		{"NUL", "Ada\u0000", 422, ""},
		{"CRLF", "Ada\r\nX-Evil: 1", 422, ""},
		{"an escape sequence of terminals", "\u001b[31mAda", 422, ""},
		{"a bidi isolate", "Ada\u2066", 422, ""},
		{"a private character", "Ada\ue000", 422, ""},
		{"a letter of Unicode 15.1", "\U0002ebf0", 200, "\U0002ebf0"},
		{"a mark in right-to-left text", "(محمد\u200f)", 200, "(محمد\u200f)"},
		{"a tag character", "Ada\U000e0041", 422, ""},
		{"the flag of Scotland", "Ada " + flagOf("gbsct"), 200, "Ada " + flagOf("gbsct")},
		{"a flag without its end", "Ada " + strings.TrimSuffix(flagOf("gbsct"), "\U000e007f"), 422, ""},
		{"a grapheme joiner between Hebrew marks", "\u05d9\u05b7\u034f\u05b4\u05dd", 200, "\u05d9\u05b7\u034f\u05b4\u05dd"},
		{"a grapheme joiner at the end", "Ada\u034f", 422, ""},
		{"nothing but combining marks is a name", "\u0301", 200, "\u0301"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := *a
			a.t = t
			got := a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": tc.given}}).want(t, tc.status)
			if tc.status == 200 && got.text(t, "userName") != tc.stored {
				t.Errorf("the name is %q, want %q", got.text(t, "userName"), tc.stored)
			}
			if tc.status != 200 {
				for _, v := range got.object(t)["errors"].([]any) {
					if at := v.(object)["pointer"]; at != "#/userName" {
						t.Errorf("the problem points to %v", at)
					}
				}
			}
		})
	}
}

// flagOf returns the emoji of a region's flag: a black flag, the region in tag characters,
// and the end tag.
func flagOf(region string) string {
	tags := []rune{0x1f3f4}
	for _, r := range region {
		tags = append(tags, 0xe0000+r)
	}
	return string(append(tags, 0xe007f))
}

func TestCUIDsAndIDs(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	for _, cuid := range []string{"a", "-", "_", strings.Repeat("Z", 128), "cjld2cjxh0000qzrmn831i7rn", "550e8400-e29b-41d4-a716-446655440000"} {
		a.post("/payment", me.token, object{"cuid": cuid}).want(t, 201)
	}
	for _, cuid := range []string{strings.Repeat("Z", 129), "a\n", "\u0000", "a\u0000b", "٣", "ａ", "a.b", "stripe:pi_1", "$ne", "a/b", "'--"} {
		a.post("/payment", me.token, object{"cuid": cuid}).problem(t, 400, "invalid_request")
	}
	// What databases would take for an operator.
	for _, cuid := range []any{object{"$ne": ""}, object{"$regex": ".*"}, []string{"a"}, true, 1} {
		a.post("/payment", me.token, object{"cuid": cuid}).problem(t, 400, "invalid_request")
		a.post("/user/login", "", object{"email": object{"$ne": ""}, "password": cuid}).problem(t, 400, "invalid_request")
	}
	for _, id := range []string{
		strings.ToUpper(me.id[:23]) + "A", me.id + "0", me.id + "%00", me.id + "%0a", "%2e%2e", "..%2f..%2fetc%2fpasswd", me.id[:23], "%F0%9F%98%80", "{id}", "*", "null", "%ff%fe",
	} {
		a.get("/user/"+id, me.token).problem(t, 400, "invalid_request")
		a.get("/payment/"+id, me.token).problem(t, 400, "invalid_request")
		for _, path := range []string{"/user", "/payment"} {
			a.get(path+"?cursor="+id, me.token).problem(t, 400, "invalid_request")
		}
	}
	// A cursor of somebody else's object leads nowhere but to one's own.
	other := a.register()
	a.pay(other, "theirs")
	if list := a.get("/user?cursor=000000000000000000000000", other.token).list(t); len(list) != 1 || list[0]["userId"] != other.id {
		t.Errorf("a cursor before everybody lists %v, want the caller alone", list)
	}
	if list := a.get("/payment?cursor=ffffffffffffffffffffffff", other.token).list(t); len(list) != 1 {
		t.Errorf("a cursor after everything lists %v, want the caller's own payment", list)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, limit := range []string{"1", "100"} {
		a.get("/user?limit="+limit, me.token).want(t, 200)
	}
	for _, limit := range []string{"-1", "101", "1.5", "1e1", "0x10", "٣", "1%00", "1%0a", "true", "null", "NaN", "2147483648", "-9223372036854775809", strings.Repeat("9", 4000), "1,2", "%5B%5D"} {
		for _, path := range []string{"/user", "/payment"} {
			a.get(path+"?limit="+limit, me.token).problem(t, 400, "invalid_request")
		}
	}
	for _, query := range []string{"limit[]=1", "limit[gte]=1", "Limit=1", "limit=1;cursor=2", "%6cimit=0", "=1", "&&=&", "limit", "%zz"} {
		a.get("/user?"+query, me.token).problem(t, 400, "invalid_request")
	}
}

func TestLargeAndDeepBodies(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	email := `"email":"ada@example.com","password":"correct horse"`
	many := map[string]any{}
	for i := range 3000 {
		many[fmt.Sprint("property", i)] = i
	}
	for name, body := range map[string]any{
		"nested in a property":   `{"userName":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + "," + email + "}",
		"a list in a property":   `{"userName":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "," + email + "}",
		"a number of 60,000":     `{"userName":` + strings.Repeat("9", 60_000) + "," + email + "}",
		"a huge exponent":        `{"userName":1e` + strings.Repeat("9", 400) + "," + email + "}",
		"minus zero":             `{"userName":-0,` + email + "}",
		"three thousand unknown": many,
		"a key of 60,000":        `{"` + strings.Repeat("k", 60_000) + `":1}`,
		"a key of escapes":       `{"` + strings.Repeat(`\u0000`, 9000) + `":1}`,
		"a key like a pointer":   `{"~01/~1":1}`,
		"an empty key":           `{"":1}`,
		"the prototype":          `{"__proto__":{"admin":true},` + email + "}",
		"an admin":               `{"userName":"A","admin":true,` + email + "}",
	} {
		t.Run(name, func(t *testing.T) {
			a := *a
			a.t = t
			p := a.post("/user/register", "", body).problem(t, 400, "invalid_request")
			if n := len(p["errors"].([]any)); n == 0 || n > 50 {
				t.Errorf("%d errors are listed, want 1 to 50", n)
			}
			a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: body}).problem(t, 400, "invalid_request")
		})
	}
}

// Media types and encodings beyond those of TestBodyFormats.
func TestOddFormats(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	send := func(body string, header http.Header) answer {
		return a.send(request{method: "POST", path: "/payment", token: me.token, body: body, header: header})
	}
	good := `{"cuid":"formats"}`
	for _, header := range []http.Header{
		{"Content-Type": {"application/x-www-form-urlencoded"}}, {"Content-Type": {"multipart/form-data; boundary=x"}},
		{"Content-Type": {"application/merge-patch+json"}}, {"Content-Type": {"text/json"}}, {"Content-Type": {"application/json; charset=utf-16"}},
		{"Content-Type": {"application/json", "text/plain"}}, {"Content-Type": {"application/json;;"}, "Content-Encoding": {"br"}},
		{"Content-Encoding": {"gzip, identity"}}, {"Content-Encoding": {"identity, gzip"}},
	} {
		send(good, header).problem(t, 415, "unsupported_media_type")
	}
	// Two codings on two lines are two codings.
	send(good, http.Header{"Content-Encoding": {"identity", "gzip"}}).problem(t, 415, "unsupported_media_type")
	for name, body := range map[string]string{
		"UTF-16": "\xff\xfe{\x00}\x00", "UTF-32": "{\x00\x00\x00}\x00\x00\x00", "gzip": "\x1f\x8b\x08\x00", "overlong": "{\"cuid\":\"\xc0\xaf\"}",
		"NUL behind": good + "\x00", "NUL in front": "\x00" + good, "raw NUL": "{\"cuid\":\"\x00\"}", "XML": `<?xml version="1.0"?><!DOCTYPE x>`, "YAML": "cuid: formats",
		"JSON5": `{cuid:'formats'}`, "NDJSON": good + "\n" + good, "a form": "cuid=formats", "NaN": `{"cuid":NaN}`, "a record separator": "\x1e" + good,
	} {
		if got := send(body, nil); got.status != 400 {
			t.Errorf("%s: status %d: %s", name, got.status, got.body)
		} else {
			got.problem(t, 400, "invalid_json")
		}
	}
	// A body where none belongs is no concern of ours.
	a.send(request{method: "GET", path: "/user", token: me.token, body: "{"}).want(t, 200)
}

// Storage errors for strange input would be ours: what passes the chain can be
// stored and found again, whatever the characters.
func TestPasswordsMayHoldAnything(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	for i, secret := range []string{
		"\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000", "        ", "\u202e\u200b\ufeff\u0301\r\n\t\u001b", strings.Repeat("💳", 128), "$argon2id$v=19$", `"\'{}[]<>`,
	} {
		email := fmt.Sprintf("anything%d@example.com", i)
		a.post("/user/register", "", object{"userName": "Any", "email": email, "password": secret}).want(t, 201)
		a.post("/user/login", "", object{"email": email, "password": secret}).want(t, 201)
		other := []rune(secret)
		other[len(other)-1] = 'x'
		a.post("/user/login", "", object{"email": email, "password": string(other)}).problem(t, 401, "invalid_credentials")
	}
}
