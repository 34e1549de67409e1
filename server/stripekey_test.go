package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// serving runs the server of the setup on a listener of its own and returns its address.
func serving(t *testing.T, a *api, change func(*server.Config)) string {
	t.Helper()
	a.serve(setup{change: change})
	ln := loopback(t)
	a.listen(ln, server.Lifetimes{})
	return "http://" + ln.Addr().String()
}

// readiness polls until the server answers readiness with the status and the text.
func readiness(t *testing.T, url string, status int, text string) {
	t.Helper()
	var got string
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		res, err := http.Get(url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got = res.Status + " " + string(body); res.StatusCode == status && strings.Contains(string(body), text) {
			return
		}
	}
	t.Fatalf("readiness is %q, want %d with %q", got, status, text)
}

func TestAServerIsNotReadyWhileStripeRefusesTheKey(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	var accepted atomic.Bool
	url := serving(t, a, func(c *server.Config) {
		c.CheckKey = func(context.Context) error {
			if accepted.Load() {
				return nil
			}
			return &stripeclient.Error{Kind: stripeclient.KindRefused, Op: "check key", Status: 401}
		}
	})
	readiness(t, url, 503, "Stripe refuses the secret key")
	res, err := http.Get(url + "/livez")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("liveness: %v, %v, want 200", res, err)
	}
	res.Body.Close()
	if log := a.logs.String(); !strings.Contains(log, `"level":"ERROR","msg":"Stripe refuses the secret key`) || !strings.Contains(log, "STRIPE_SECRET_KEY") {
		t.Errorf("the log has no error that names the variable:\n%s", log)
	}
	accepted.Store(true)
	readiness(t, url, 200, "ok")
	if !strings.Contains(a.logs.String(), "Stripe accepts the secret key") {
		t.Error("the log does not say that the key works now")
	}
}

// That Stripe cannot be reached says nothing about the key.
func TestAServerIsReadyThoughStripeIsDown(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(context.Context) error{
		"no connection": func(context.Context) error { return errors.New("connection refused") },
		"a failure of Stripe": func(context.Context) error {
			return &stripeclient.Error{Kind: stripeclient.KindUnknown, Op: "check key", Status: 500}
		},
		"no answer": func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, setup{noWebhooks: true})
			readiness(t, serving(t, a, func(c *server.Config) { c.CheckKey = check }), 200, "ok")
		})
	}
}

func TestNegativeDurationsAreRefused(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	if _, err := server.New(server.Config{Store: a.store, Keys: a.keys, ReconcileInterval: -1}); err == nil || !strings.Contains(err.Error(), "ReconcileInterval is -1ns") {
		t.Errorf("got %v, want the interval refused", err)
	}
	srv, ok := (*a.handler.Load()).(*server.Server)
	if !ok {
		t.Fatal("the handler is no server")
	}
	for _, life := range []server.Lifetimes{{Header: -1}, {Request: -1}, {Notice: -1}, {Drain: -1}} {
		if err := srv.Serve(t.Context(), nil, life); err == nil || !strings.Contains(err.Error(), "none may be negative") {
			t.Errorf("%+v: got %v, want it refused", life, err)
		}
	}
}

func TestTheLogHoldsTheAddressOnlyWhereThatIsAllowed(t *testing.T) {
	t.Parallel()
	for _, allowed := range []bool{false, true} {
		a := start(t, setup{noWebhooks: true, change: func(c *server.Config) { c.LogAddresses = allowed }})
		a.register()
		got := a.logged("UserController_register", 1)[0]["clientAddress"]
		if allowed && got != "127.0.0.1" || !allowed && got != nil {
			t.Errorf("allowed %v: clientAddress is %v", allowed, got)
		}
	}
}

func TestOverlongMethodsAndPathsAreCutInTheLog(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	r, err := http.NewRequestWithContext(t.Context(), strings.Repeat("M", 3000), a.url+"/"+strings.Repeat("é", 3000), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	const want = `"method":"MMMMMMMMMMMMMMMMMMMM…"`
	for end := time.Now().Add(patience); !strings.Contains(a.logs.String(), want); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the log never has %s:\n%.600s", want, a.logs.String())
		}
	}
	for line := range strings.Lines(a.logs.String()) {
		if strings.Contains(line, want) && len(line) > 1000 {
			t.Errorf("the event has %d bytes: %s…", len(line), line[:300])
		}
	}
}
