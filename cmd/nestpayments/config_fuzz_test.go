package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// variables is every variable that the program reads.
var variables = []string{
	"ADDR", "CORS_ORIGINS", "DATABASE_URL", "LOGIN_LIMIT", "LOG_ADDRESSES", "LOG_LEVEL", "OPERATOR_ADDR", "PAYMENT_AMOUNT", "PAYMENT_CURRENCY", "RECONCILE_INTERVAL", "REQUEST_LIMIT", "SHUTDOWN_NOTICE",
	"SIGNING_KEYS", "SIGN_UP_LIMIT", "STRIPE_RATE", "STRIPE_SECRET_KEY", "STRIPE_URL", "STRIPE_WEBHOOK_SECRETS", "TOKEN_AUDIENCE", "TOKEN_ISSUER", "TRUSTED_PROXIES", "UNCONFIRMED_LIMIT", "DECLINE_LIMIT",
}

// FuzzConfiguration holds that no command line and no environment makes the
// program panic, and that it never prints a secret that it was given where secrets
// belong: not in an error, not in its help. args has an argument a line, env a
// NAME=VALUE. Nothing of it may name a path, so that the fuzzer touches no file
// but in a folder of its own, and the context is over, so that nothing is served.
func FuzzConfiguration(f *testing.F) {
	dir := f.TempDir()
	for _, args := range []string{
		"", "serve", "--help", "serve\n--help", "admin\nlist", "admin\ngrant\nada@example.com", "admin\nrevoke\n", "admin", "key", "no-such-command", "--no-such-flag",
		"serve\n--amount=x\n--stripe-rate=-1\n--reconcile-interval=soon", "--signing-keys=none.pem\n--addr=:99999", "--log-level", "--", "-x", "serve\n--stripe-secret-key",
	} {
		f.Add(args, "", "sk_test_hunter2", "whsec_hunter2", "hunter2hunter2")
		f.Add(args, "LOG_LEVEL=loud\nPAYMENT_AMOUNT=1e9\nSTRIPE_RATE=fast\nRECONCILE_INTERVAL=-1\nSIGNING_KEYS=a,b", "hunter2-is-no-key", "hunter2-is-no-secret", "hunter2%zz")
		f.Add(args, "DATABASE_URL=postgres:hunter2\nSTRIPE_URL=http:hunter2@host\nLOGIN_LIMIT=-5\nTRUSTED_PROXIES=10.0.0.0\nCORS_ORIGINS=*", "sk_live_hunter2\nx", "whsec_hunter2,hunter2", "hunter2:hunter2")
	}
	over, cancel := context.WithCancel(f.Context())
	cancel()
	f.Fuzz(func(t *testing.T, args, env, stripeKey, webhookSecrets, databasePassword string) {
		if strings.ContainsAny(args+env, "/\\\x00") || strings.ContainsAny(stripeKey+webhookSecrets+databasePassword, "/@\x00") {
			return
		}
		t.Chdir(dir)
		for _, name := range variables {
			t.Setenv(name, "")
		}
		t.Setenv("STRIPE_SECRET_KEY", stripeKey)
		t.Setenv("STRIPE_WEBHOOK_SECRETS", webhookSecrets)
		t.Setenv("DATABASE_URL", "mongodb://user:"+databasePassword+"@127.0.0.1:1/")
		for line := range strings.Lines(env) {
			for _, name := range variables {
				if value, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), name+"="); ok {
					t.Setenv(name, value)
				}
			}
		}
		var out bytes.Buffer
		if err := run(over, strings.Split(args, "\n"), &out); err != nil {
			fmt.Fprintln(&out, err)
		}
		secrets := append(strings.Split(webhookSecrets, ","), stripeKey, databasePassword)
		for _, secret := range secrets {
			// What is given in another place too is no secret, nor is what help and
			// errors say anyway.
			if len(secret) >= 12 && strings.Contains(out.String(), secret) && !strings.Contains(args+env, secret) {
				t.Errorf("the secret %q is printed:\n%s", secret, &out)
			}
		}
	})
}

// The program itself, at debug level, through a payment that works and much that
// does not: what it logs holds nothing that it or its clients keep secret.
func TestTheProgramLogsNoSecrets(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	var log safeBuffer
	r, w := io.Pipe() // for serving, which drains it
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	args := append(append([]string{"serve"}, s.args...), "--log-level", "debug", "--stripe-webhook-secrets", "whsec_hunter2", "--reconcile-interval", "10ms")
	go func() {
		err := run(ctx, args, io.MultiWriter(&log, w))
		w.CloseWithError(err)
		done <- err
	}()
	url := "http://" + serving(t, r)["serving"]

	const password = "correct horse battery"
	ask := func(method, path, token, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var text bytes.Buffer
		if _, err := text.ReadFrom(res.Body); err != nil {
			t.Fatal(err)
		}
		return text.String()
	}
	token := between(t, ask("POST", "/user/register", "", `{"userName":"Ada","email":"ada@example.com","password":"`+password+`"}`), `"access_token":"`, `"`)
	created := ask("POST", "/payment", token, `{"cuid":"c1"}`)
	secret, id := between(t, created, `"clientSecret":"`, `"`), between(t, created, `"id":"`, `"`)
	for _, card := range []string{"pm_card_chargeDeclined", "pm_unknown", "pm_card_threeDSecure2Required", "pm_card_visa"} {
		ask("POST", "/payment/confirm", token, `{"cuid":"c1","paymentId":"`+id+`","paymentMethodId":"`+card+`"}`)
	}
	ask("POST", "/payment/confirm", token, `{"cuid":"c1","paymentId":"`+secret+`","paymentMethodId":"pm_card_visa"}`)
	ask("GET", "/payment/"+secret+"?email=ada@example.com", token, "")
	ask("GET", "/"+token+"/"+password[:7], token, "")
	ask("POST", "/user/login", "", `{"email":"ada@example.com","password":"`+password+`2"}`)
	ask("POST", "/webhook/stripe", token, `{"secret":"`+secret+`"}`)
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{
		password, "correct", token[:40], "sk_test_", "whsec_", "hunter2", secret, "_secret_", "ada@", "$argon2", "PRIVATE KEY",
	} {
		if strings.Contains(log.String(), forbidden) {
			t.Errorf("the log holds %q:\n%s", forbidden, log.String())
		}
	}
	if n := strings.Count(log.String(), `"msg":"request"`); n < 10 {
		t.Errorf("%d requests are logged, want all of them", n)
	}
}

// between is what stands in text after the first before and in front of the next
// after.
func between(t *testing.T, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	middle, _, ended := strings.Cut(rest, after)
	if !found || !ended {
		t.Fatalf("no %s in %s", before, text)
	}
	return middle
}

// safeBuffer is written by the program while it runs.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
