package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// good sets a configuration that works, and these variables beside it.
func good(t *testing.T, set map[string]string) {
	t.Helper()
	all := map[string]string{"DATABASE_URL": "sqlite:" + filepath.Join(t.TempDir(), "data.db"), "SIGNING_KEYS": keyFile(t), "STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRETS": "whsec_x"}
	for name, value := range set {
		all[name] = value
	}
	setVariables(t, all)
}

// What is written is used or refused, and the refusal names the variable, the unit and
// what to write. config and serve find the same.
func TestFaultsNameTheVariableAndTheFix(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct{ variable, value, want string }{
		{"PAYMENT_AMOUNT", "0", "PAYMENT_AMOUNT is 0: it must be 1 or more, in whole cents"},
		{"PAYMENT_AMOUNT", "-1", "PAYMENT_AMOUNT is -1: it must be 1 or more"},
		{"PAYMENT_AMOUNT", "19.99", "PAYMENT_AMOUNT cannot be read: write it like its default, 2000, in whole cents, or the smallest unit of the currency: 1999 for 19.99"},
		{"PAYMENT_AMOUNT", "0,05", "5 for 0,05"},
		{"PAYMENT_AMOUNT", "19.99", "1999 for 19.99 if the currency has two decimals (those without, such as jpy, take whole amounts)"},
		{"PAYMENT_AMOUNT", "0500", "PAYMENT_AMOUNT cannot be read"}, // not octal
		{"PAYMENT_AMOUNT", "100000000", "PAYMENT_AMOUNT is 100000000: it must be 1 to 99999999, in whole cents"},
		{"PAYMENT_AMOUNT", "1e3", "PAYMENT_AMOUNT cannot be read"},
		{"PAYMENT_CURRENCY", "USD", "PAYMENT_CURRENCY must be three lower-case letters: write usd"},
		{"PAYMENT_CURRENCY", "xyz", "PAYMENT_CURRENCY is not a currency that Stripe charges in"},
		{"PAYMENT_CURRENCY", "isk", ""},
		{"STRIPE_RATE", "0", "STRIPE_RATE is 0: it must be 0.1 to 100000"},
		{"STRIPE_RATE", "-1", "STRIPE_RATE is -1"},
		{"STRIPE_RATE", "NaN", "STRIPE_RATE is NaN"},
		{"STRIPE_RATE", "+Inf", "STRIPE_RATE is +Inf"},
		{"REQUEST_LIMIT", "0", "REQUEST_LIMIT is 0: it must be 1 to 1000000000"},
		{"LOGIN_LIMIT", "0", "LOGIN_LIMIT is 0: it must be 1 to 1000"},
		{"LOGIN_LIMIT", "1001", "LOGIN_LIMIT is 1001: it must be 1 to 1000"},
		{"SIGN_UP_LIMIT", "0", "SIGN_UP_LIMIT is 0"},
		{"RECONCILE_INTERVAL", "0", "RECONCILE_INTERVAL is 0s: it must be 1ms or more"},
		{"RECONCILE_INTERVAL", "-15s", "RECONCILE_INTERVAL is -15s"},
		{"RECONCILE_INTERVAL", "15", "RECONCILE_INTERVAL cannot be read: write it like its default, 15s, with a unit: 15s for seconds"},
		{"SHUTDOWN_NOTICE", "-1s", "SHUTDOWN_NOTICE is -1s: it must be 0s or more"},
		{"SHUTDOWN_NOTICE", "0s", ""},
		{"ADDR", "8080", "ADDR is a port alone: write :8080"},
		{"ADDR", "localhost", "ADDR is not an address to listen on: write HOST:PORT"},
		{"ADDR", ":99999", "a port of 0 to 65535"},
		{"OPERATOR_ADDR", "9090", "OPERATOR_ADDR is a port alone: write :9090"},
		{"ADDR", "999.1.1.1:80", "ADDR does not name a host: write the IP address or the name of this machine"},
		{"ADDR", "127.1:80", "ADDR does not name a host"},
		{"ADDR", "a b:80", "ADDR does not name a host"},
		{"ADDR", "http://h:80", "ADDR is not an address to listen on"},
		{"ADDR", " 127.0.0.1:0 \n", ""},
		{"ADDR", "[::1]:0", ""},
		{"ADDR", "localhost:0", ""},
		{"OPERATOR_ADDR", ":8080", "OPERATOR_ADDR is the address of ADDR"},
		{"OPERATOR_ADDR", "0.0.0.0:8080", "OPERATOR_ADDR is the address of ADDR"},
		{"OPERATOR_ADDR", "127.0.0.1:08080", "OPERATOR_ADDR is the address of ADDR: it must have another port"},
		{"OPERATOR_ADDR", " :9999", ""},
		{"STRIPE_SECRET_KEY", " sk_test_x\t", ""},
		{"STRIPE_SECRET_KEY", "\uFEFFsk_test_x\r\n", ""},
		{"STRIPE_SECRET_KEY", `"sk_test_x"`, "STRIPE_SECRET_KEY is not a Stripe secret key: it must be sk_ or rk_ followed by letters, digits and underscores only"},
		{"STRIPE_SECRET_KEY", "sk_test_x y", "STRIPE_SECRET_KEY is not a Stripe secret key: it must be sk_ or rk_ followed by letters, digits and underscores only"},
		{"STRIPE_SECRET_KEY", "sk_test_x\u200B", "STRIPE_SECRET_KEY is not a Stripe secret key: it must be sk_ or rk_ followed by letters, digits and underscores only"},
		{"STRIPE_SECRET_KEY", "pk_test_x", "STRIPE_SECRET_KEY is not a Stripe secret key: it must be sk_ or rk_ followed by letters, digits and underscores only"},
		{"STRIPE_URL", "localhost:12111", "STRIPE_URL is not an http or https URL"},
		{"STRIPE_WEBHOOK_SECRETS", "whsec_x whsec_y\n, whsec_z ", ""},
		{"STRIPE_WEBHOOK_SECRETS", "whsec_x;whsec_y", "STRIPE_WEBHOOK_SECRETS: secret 1 is not a webhook signing secret"},
		{"STRIPE_WEBHOOK_SECRETS", "whsec_x,sk_test_x", "STRIPE_WEBHOOK_SECRETS: secret 2 is not a webhook signing secret"},
		{"TRUSTED_PROXIES", "10.0.0.7", `TRUSTED_PROXIES: "10.0.0.7" is not a network in CIDR notation: write it like 10.0.0.0/8, and one proxy like 10.0.0.7/32`},
		{"TRUSTED_PROXIES", "10.0.0.0/8, 192.168.0.0/16\n172.16.0.0/12", ""},
		{"TRUSTED_PROXIES", "::ffff:127.0.0.0/104", `TRUSTED_PROXIES: "::ffff:127.0.0.0/104" is IPv4 in the form of IPv6: write 127.0.0.0/8`},
		{"TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1", "TRUSTED_PROXIES: 0.0.0.0/1, 128.0.0.0/1 is everybody"},
		{"CORS_ORIGINS", "https://ü.example", `CORS_ORIGINS: "https://ü.example" has a host that browsers send in another form: write https://xn--tda.example`},
		{"CORS_ORIGINS", "https://shop.example:99999", "has a port that no server can have: write a number from 1 to 65535"},
		{"CORS_ORIGINS", "https://a.example, https://b.example\n", ""},
		{"CORS_ORIGINS", "shop.example.com", `CORS_ORIGINS: "shop.example.com" is not a web origin`},
		{"SIGNING_KEYS", "none.pem", "SIGNING_KEYS: item 1: is neither an existing file nor a PEM text: no such file or directory"},
		{"DATABASE_URL", "sqlite:no/such/folder/x.db", "DATABASE_URL: its folder must exist"},
		{"DATABASE_URL", "sqlite:.", "DATABASE_URL: it is a folder"},
		{"DATABASE_URL", "sqlite::memory:", "DATABASE_URL: a database in memory is not supported: write sqlite:PATH"},
		{"DATABASE_URL", "sqlite:file:x.db", "DATABASE_URL: the path begins with file:, which is not supported"},
		{"DATABASE_URL", "sqlite:x.db?mode=memory", "DATABASE_URL: the path holds a question mark, and options are not supported"},
		{"DATABASE_URL", "mongodb://", "DATABASE_URL: "},
		{"DATABASE_URL", "mongodb://host/?w=0", "DATABASE_URL: "},
		{"TOKEN_ISSUER", "", ""}, // set and empty is as if it were not set
		{"PAYMENT_AMOUNT", "", ""},
		{"ADDR", "", ""},
	} {
		good(t, map[string]string{tc.variable: tc.value})
		for _, command := range []string{"config", "serve"} {
			if tc.want == "" && command == "serve" {
				continue // it would serve
			}
			err := run(over, []string{command}, io.Discard)
			if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
				t.Errorf("%s with %s=%q: got %v, want %q", command, tc.variable, tc.value, err, tc.want)
			}
			if err != nil && strings.Count(err.Error(), "\n") != 1 {
				t.Errorf("%s with %s=%q: got more than one fault:\n%v", command, tc.variable, tc.value, err)
			}
		}
	}
}

// A fault of another setting is not reported as one of STRIPE_URL.
func TestOnlyALiveKeyNeedsHTTPS(t *testing.T) {
	for _, tc := range []struct {
		key  string
		rate float64
		want string
	}{
		{"sk_test_x", 20, ""},
		{"sk_test_x", -1, "RatePerSecond"},
		{"sk_live_x", 20, "STRIPE_URL must begin with https:// for a live key"},
	} {
		_, err := serveCommand{StripeKey: tc.key, StripeURL: "http://127.0.0.1:12111", StripeRate: tc.rate}.stripe(nil)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s with a rate of %v: got %v, want %q", tc.key, tc.rate, err, tc.want)
		}
	}
}

func TestAnAmountMustFitItsCurrency(t *testing.T) {
	good(t, map[string]string{"PAYMENT_AMOUNT": "2005", "PAYMENT_CURRENCY": "kwd"})
	err := run(t.Context(), []string{"config"}, io.Discard)
	if want := "PAYMENT_AMOUNT is 2005: Stripe charges kwd only in amounts that end in 0, such as 2010"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// Every bound of a flag is one that the server accepts: what is refused here names its
// variable, what the server refuses would not.
func TestTheServerAcceptsEveryBoundOfAFlag(t *testing.T) {
	serve, _ := commandLine().named([]string{"serve"})
	for _, o := range serve.options {
		for _, value := range []string{o.min, o.max} {
			if value == "" {
				continue
			}
			good(t, map[string]string{o.variable: value})
			if err := run(t.Context(), []string{"config"}, io.Discard); err != nil {
				t.Errorf("%s=%s: %v", o.variable, value, err)
			}
		}
	}
}

func TestAMissingFileIsOneFault(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"no-such-file": "_FILE names no file that can be read: no such file", empty: "_FILE names a file that is empty"} {
		for _, name := range []string{"DATABASE_URL", "SIGNING_KEYS", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRETS", "PAYMENT_AMOUNT"} {
			good(t, nil)
			_ = os.Unsetenv(name)
			t.Setenv(name+"_FILE", file)
			err := run(t.Context(), []string{"config"}, io.Discard)
			if err == nil || strings.Count(err.Error(), name) != 1 || !strings.Contains(err.Error(), name+want) {
				t.Errorf("%s_FILE=%s: got %v, want one fault, %q", name, file, err, want)
			}
			_ = os.Unsetenv(name + "_FILE")
		}
	}
	setVariables(t, map[string]string{"DATABASE_URL_FILE": "no-such-file"})
	if err := run(t.Context(), []string{"admin", "list"}, io.Discard); err == nil || strings.Contains(err.Error(), "missing") {
		t.Errorf("admin list: got %v, want one fault", err)
	}
}

func TestConfigWarnsOfWhatServeWouldWarnOf(t *testing.T) {
	good(t, map[string]string{"PAYMENT_AMOUNT": "10", "STRIPE_WEBHOOK_SECRETS": ""})
	key := os.Getenv("SIGNING_KEYS")
	if err := os.Chmod(key, 0o644); err != nil { // #nosec G302 -- that is the fault
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "stripe")
	if err := os.WriteFile(secret, []byte("sk_test_x\n"), 0o640); err != nil { // #nosec G306 -- that too
		t.Fatal(err)
	}
	_ = os.Unsetenv("STRIPE_SECRET_KEY")
	t.Setenv("STRIPE_SECRET_KEY_FILE", secret)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"config"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"warning: PAYMENT_AMOUNT is 10, below the minimum that Stripe documents for usd, 50: Stripe may refuse every payment\n",
		"warning: STRIPE_WEBHOOK_SECRETS is not set: ", "run chmod 600 " + key + "\n", "run chmod 600 " + secret + "\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%swant %s", &out, want)
		}
	}
}

// The log says what starts and what stops, and warns of the database file.
func TestTheLogOfAStartAndAStop(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "data.db")
	s := newSystemOn(t, "sqlite:"+file)
	if err := os.WriteFile(file, nil, 0o644); err != nil { // #nosec G306 -- that is the fault
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	r, w := io.Pipe()
	go func() { w.CloseWithError(run(ctx, append([]string{"serve"}, s.args...), w)) }()
	var messages, warnings []string
	for lines := json.NewDecoder(r); ; {
		var line map[string]any
		if err := lines.Decode(&line); err != nil {
			break
		}
		msg, _ := line["msg"].(string)
		if line["level"] == "WARN" {
			warnings = append(warnings, msg)
			continue
		}
		messages = append(messages, msg)
		switch msg {
		case "starting":
			if line["version"] == "" || line["commit"] == "" || !strings.HasPrefix(line["go"].(string), "go") {
				t.Errorf("got %v, want version, commit and toolchain", line)
			}
		case "serving":
			stop()
		}
	}
	got := strings.Join(messages, ", ")
	for _, want := range []string{"starting", "serving", "stopping", "stopped"} {
		_, rest, found := strings.Cut(got, want)
		if !found {
			t.Fatalf("the log has %q, want %q next", got, want)
		}
		got = rest
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if !slices.Contains(warnings, "other users of this machine can open a file with secrets: run chmod 600 "+file+suffix) {
			t.Errorf("got the warnings %q, want one of %s%s", warnings, file, suffix)
		}
	}
}
