package telemetry_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

const pemBody = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7hunter2hunter2\nhunter2hunter2hunter2"

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"a PEM block", "open -----BEGIN PRIVATE KEY-----\n" + pemBody + "\n-----END PRIVATE KEY-----\n: no such file", "open ***\n: no such file"},
		{"a PEM block in one line", `"-----BEGIN RSA PRIVATE KEY-----\n` + strings.ReplaceAll(pemBody, "\n", `\n`) + `\n-----END RSA PRIVATE KEY-----"`, `"***"`},
		{"a PEM block that is cut off", "key -----BEGIN PRIVATE KEY-----\n" + pemBody, "key ***"},
		{"two PEM blocks", "-----BEGIN A-----\nhunter2\n-----END A-----,-----BEGIN B-----\nhunter2\n-----END B-----", "***,***"},
		{"a PEM block without its first line", "key file " + pemBody + ": name too long", "key file ***: name too long"},
		{"a secret key", "sk_live_hunter2: no such file", "***: no such file"},
		{"a restricted key in a word", `"KEY=xrk_test_hunter2"`, `"KEY=x***"`},
		{"a key without a mode", "key file sk_hunter2", "key file ***"},
		{"a webhook secret", "whsec_hunter2+/=,whsec_hunter2", "***,***"},
		{"a client secret", "payment pi_1_secret_hunter2 failed", "payment pi_1_secret_*** failed"},
		{"a key of this API", "--nest_hunter2hunter2", "--***"},
		{"an access token", "token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyIn0.hunter2-_", "token ***"},
		{"an Authorization header", "Authorization: Bearer hunter2hunter2", "Authorization: Bearer ***"},
		{"a password hash", "$argon2id$v=19$m=19456,t=2,p=1$hunter2$hunter2", "***"},
		{"a URL with a password", "mongodb://user:hunter2@a.example,b.example/books", "mongodb://***@a.example,b.example/books"},
		{"a password with characters that no URL takes", "http://user:hun@ter2/?#[ hunter2@host/path", "http://***@host/path"},
		{"a password without a scheme", `ADDR user:hunter2@host:8080 is not`, `ADDR ***@host:8080 is not`},
		{"a password in a query", "http://host/?a=1&tlsCertificateKeyFilePassword=hunter2&b=2", "http://host/?a=1&tlsCertificateKeyFilePassword=***&b=2"},
		{"an API key in a query", "host?api_key=hunter2", "host?api_key=***"},
		{"a PEM block in base64", "key file LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCmh1bnRlcjIK==: name too long", "key file ***: name too long"},
		{"a PEM block in base64 behind a line break", "x=Ci0tLS0tQkVHSU4gUFJJVkFURSBLRVktLS0tLQpodW50ZXIy", "x=***"},
		{"a PEM block in base64 behind two characters", "x=Cg0tLS0tLUJFR0lOIFBSSVZBVEUgS0VZLS0tLS0KaHVudGVyMg==", "x=***"},
		{"the body of an elliptic key", "key MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQghunter2hunter2x\nhunter2hunter2hunter2==: bad", "key ***: bad"},
		{"the body of an Ed25519 key", "MC4CAQAwBQYDK2VwBCIEIHhunter2hunter2hunter2hunter2hunter2hunter2", "***"},
		{"the lines of a key with commas", pemBody + ",hunter2hunter2,hunter2 failed", "***"},
		{"a key in hexadecimal digits", "key " + strings.Repeat("308204bd", 8) + ": bad", "key ***: bad"},
		{"a key in hexadecimal digits with colons", "key " + strings.Repeat("30:82:\n04:bd:", 9) + " bad", "key ***: bad"},
		{"a short number in hexadecimal digits stays", "commit " + strings.Repeat("308204bd", 5), "commit " + strings.Repeat("308204bd", 5)},
		{"a key in binary form", "A=0\x82\x04hunter2\x00\nB=1", "A=0***\nB=1"},
		{"control characters", "a\x1b[31mb\x00c\rd\x9b", "a\uFFFD[31mb\uFFFDc\uFFFDd***"},
		{"a password in JSON", `{"password":"hunter2","a":1}`, `{"password":***,"a":1}`},
		{"a password in JSON with blanks", `{"api_key" : "hun ter2"}`, `{"api_key" : ***}`},
		{"a password in JSON in a string", `{\"token\":\"hunter2\"}`, `{\"token\":***}`},
		{"a password in YAML", "password: hunter2\nuser: ada", "password: ***\nuser: ada"},
		{"a password in quotation marks", "password='hun ter2' user=ada", "password=*** user=ada"},
		{"a password in a quotation that does not end", `password="hun ter2`, "password=***"},
		{"a password with blanks around the sign", "DB_PASSWORD = hunter2", "DB_PASSWORD = ***"},
		{"a key in a query", "http://host/?key=hunter2&a=1", "http://host/?key=***&a=1"},
		{"a URL in percent-encoding", "mongodb%3A%2F%2Fu%3Ahunter2%40h", "mongodb%3A%2F%2F***%40h"},
		{"a URL in percent-encoding, twice", "mongodb%253a%252f%252fu%253ahunter2%2540h", "mongodb%253a%252f%252f***%2540h"},
		{"a URL that is percent-encoded in part", "mongodb://u%3Ahunter2%40h", "mongodb://***%40h"},
		{"a query in percent-encoding", "next=%3Fpassword%3Dhunter2", "next=%3Fpassword%3D***"},
		{"a value that a number parser quotes", `strconv.ParseInt: parsing "hunter2": invalid syntax`, "strconv.ParseInt: parsing ***: invalid syntax"},
		{"a value that a command line quotes", `--seed: expected a valid 64 bit uint but got "hunter2"`, "--seed: expected a valid 64 bit uint but got ***"},
		{"an error about a token stays", "issue token: context canceled", "issue token: context canceled"},
		{"what holds no secret stays", "SIGNING_KEYS: key file /etc/nestpayments/key.pem: permission denied; sqlite:/var/lib/data.db, risk_level, ada@example.com, mongodb://HOST/NAME, sk_…",
			"SIGNING_KEYS: key file /etc/nestpayments/key.pem: permission denied; sqlite:/var/lib/data.db, risk_level, ada@example.com, mongodb://HOST/NAME, sk_…"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := telemetry.Redact(tc.text)
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if again := telemetry.Redact(got); again != got {
				t.Errorf("redacted twice it is %q, want %q", again, got)
			}
		})
	}
}

// FuzzRedact checks that a secret of any content does not survive, whatever surrounds it.
func FuzzRedact(f *testing.F) {
	f.Add("open ", "Hunter2Hunter2", ": no such file")
	f.Add("\xe4", "000000000000", "0")
	f.Add("http://a@b ", "x9x9x9x9x9x9", "\n@")
	f.Add("sk_live_-----BEGIN", "hunter2hunter2", "-----END")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(secret) < 12 || strings.ContainsFunc(secret, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return
		}
		for _, form := range []string{
			"sk_live_%", "rk_test_%", "whsec_%", " nest_%", "pi_1_secret_%", "eyJ%.%.%", "-----BEGIN PRIVATE KEY-----\n%\n-----END PRIVATE KEY-----",
			" mongodb://user:%@host/db", " user:%@host", "?password=%", "&secret=%&a=b", " Bearer %", "$argon2id$v=19$%$%",
			`{"password":"%"}`, "password: %", " password='% x'", "?key=%",
		} {
			// What stands in the surroundings too is no secret.
			if strings.Contains(before+"|"+after, secret) {
				return
			}
			text := before + strings.ReplaceAll(form, "%", secret) + " " + after
			if got := telemetry.Redact(text); strings.Contains(got, secret) {
				t.Errorf("%q of %q survives in %q", secret, text, got)
			}
		}
	})
}
