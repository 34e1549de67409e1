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
	f.Add("http://a@b ", "x9x9x9x9x9x9", "\n@")
	f.Add("sk_live_-----BEGIN", "hunter2hunter2", "-----END")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(secret) < 12 || strings.ContainsFunc(secret, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			return
		}
		for _, form := range []string{
			"sk_live_%", "rk_test_%", "whsec_%", " nest_%", "pi_1_secret_%", "eyJ%.%.%", "-----BEGIN PRIVATE KEY-----\n%\n-----END PRIVATE KEY-----",
			" mongodb://user:%@host/db", " user:%@host", "?password=%", "&secret=%&a=b", " Bearer %", "$argon2id$v=19$%$%",
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
