package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// setVariables gives the test an environment with these alone of ours.
func setVariables(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range variables {
		t.Setenv(name, "x")
		_ = os.Unsetenv(name)
	}
	for name, value := range set {
		t.Setenv(name, value)
	}
}

func keyFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := auth.GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigPrintsWhatServeWouldHaveAndNoSecret(t *testing.T) {
	key := keyFile(t)
	setVariables(t, map[string]string{
		"DATABASE_URL": "mongodb://user:hunter2@a.example,b.example:27018/books?tlsCertificateKeyFilePassword=hunter2",
		"SIGNING_KEYS": key, "STRIPE_SECRET_KEY": "sk_test_hunter2", "STRIPE_WEBHOOK_SECRETS": "whsec_hunter2,whsec_hunter22", "PAYMENT_AMOUNT": "500",
	})
	var out bytes.Buffer
	if err := run(t.Context(), []string{"config", "--currency", "eur"}, &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"DATABASE_URL=mongodb://***@a.example,b.example:27018/books?***\n", "SIGNING_KEYS=" + key + "\n", "STRIPE_SECRET_KEY=***\n",
		"STRIPE_WEBHOOK_SECRETS=***\n", "PAYMENT_AMOUNT=500\n", "PAYMENT_CURRENCY=eur\n", "TRUSTED_PROXIES=\n", "RECONCILE_INTERVAL=15s\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got\n%swant it to have %s", &out, want)
		}
	}
	if strings.Contains(out.String(), "hunter2") {
		t.Errorf("a secret is printed:\n%s", &out)
	}
}

func TestAllFaultsAreReportedTogetherAndNoValueIsRepeated(t *testing.T) {
	setVariables(t, map[string]string{
		"PAYMENT_AMOUNT": "sk_live_hunter2", "RECONCILE_INTERVAL": "hunter2", "LOG_LEVEL": "hunter2", "STRIPE_SECRET_KEY": "hunter2",
		"STRIPE_WEBHOOK_SECRETS": "hunter2", "DATABASE_URL": "postgres://hunter2", "TRUSTED_PROXIES": "0.0.0.0/0", "LOGIN_LIMIT": "-1",
	})
	for _, command := range []string{"config", "serve"} {
		err := run(t.Context(), []string{command}, io.Discard)
		if err == nil {
			t.Fatalf("%s takes it", command)
		}
		for _, want := range []string{
			"PAYMENT_AMOUNT cannot be read: write it like its default, 2000", "RECONCILE_INTERVAL cannot be read", "LOG_LEVEL cannot be read",
			"SIGNING_KEYS is missing", "STRIPE_SECRET_KEY is not a Stripe secret key", "STRIPE_WEBHOOK_SECRETS: secret 1 is not a webhook signing secret", "DATABASE_URL has a scheme", "is everybody", "LOGIN_LIMIT is -1: it must be 1 to 1000",
		} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got\n%v\nwant it to say %q", command, err, want)
			}
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s repeats a value: %v", command, err)
		}
	}
}

func TestSecretsMayBeFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "stripe")
	if err := os.WriteFile(secret, []byte("sk_test_hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	setVariables(t, map[string]string{"DATABASE_URL": "sqlite:x.db", "SIGNING_KEYS": keyFile(t)})
	for _, tc := range []struct {
		name       string
		file, also string
		want       string
	}{
		{name: "a file is read without its line break", file: secret},
		{name: "a file that is not there", file: "hunter2", want: "STRIPE_SECRET_KEY_FILE names no file that can be read: no such file"},
		{name: "the value and a file", file: secret, also: "sk_test_hunter2", want: "STRIPE_SECRET_KEY and STRIPE_SECRET_KEY_FILE are both set"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("STRIPE_SECRET_KEY_FILE", tc.file)
			t.Setenv("STRIPE_SECRET_KEY", tc.also)
			err := run(t.Context(), []string{"config"}, io.Discard)
			switch {
			case tc.want == "" && err != nil:
				t.Errorf("got %v, want no fault", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("a value is repeated: %v", err)
			}
		})
	}
}

// The database comes up after the server: nobody has to start them in order, and
// liveness answers meanwhile.
func TestServeWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	db := mongotest.New(t)
	db.Cut()
	s := newSystem(t)
	s.args[1] = db.Option("serverSelectionTimeoutMS=200")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, append([]string{"serve"}, s.args...), w)
		w.CloseWithError(err)
		done <- err
	}()
	lines, url := json.NewDecoder(r), ""
	restore := sync.OnceFunc(func() {
		for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/user": 503} {
			if res, body := get(t, url+path); res.StatusCode != want {
				t.Errorf("%s without a database: got status %d, want %d: %s", path, res.StatusCode, want, body)
			}
		}
		res, body := get(t, url+"/payment")
		if !strings.Contains(body, `"code":"database_unavailable"`) || res.Header.Get("Retry-After") == "" || res.Header.Get("X-Request-Id") == "" {
			t.Errorf("/payment without a database: got %v %s, want the problem database_unavailable", res.Header, body)
		}
		db.Restore(t)
	})
	for _, want := range []string{"listening, and opening the database", "waiting for the database: check that it runs and that DATABASE_URL names it",
		"making indexes, which takes minutes for a million documents", "serving"} {
		for msg := ""; msg != want; {
			var line struct{ Msg, Addr string }
			if err := lines.Decode(&line); err != nil {
				t.Fatalf("the program ended before it said %q: %v", want, err)
			}
			if line.Addr != "" {
				url = "http://" + line.Addr
			}
			if msg = line.Msg; strings.HasPrefix(msg, "waiting") {
				restore()
			}
		}
	}
	if res, body := get(t, url+"/readyz"); res.StatusCode != 200 {
		t.Errorf("/readyz of a server that serves: got status %d: %s", res.StatusCode, body)
	}
	cancel()
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if err := <-done; err != nil {
		t.Errorf("the stop was not clean: %v", err)
	}
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}
