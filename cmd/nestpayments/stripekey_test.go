package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// With a key that Stripe refuses the program runs and is not ready.
func TestAWrongStripeKeyMakesTheProgramNotReady(t *testing.T) {
	t.Parallel()
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{"sk_test_other"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	stripe := httptest.NewServer(box)
	t.Cleanup(stripe.Close)
	s := newSystem(t)
	s.start(t, "--stripe-url", stripe.URL)
	var got string
	for end := time.Now().Add(time.Minute); !strings.Contains(got, "refuses"); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("readiness is %q, want it to say that Stripe refuses the key", got)
		}
		res, err := http.Get(s.url + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		body := make([]byte, 100)
		n, _ := res.Body.Read(body)
		res.Body.Close()
		got = res.Status + " " + string(body[:n])
	}
	if !strings.HasPrefix(got, "503") {
		t.Errorf("readiness is %q, want 503", got)
	}
	res, err := http.Get(s.url + "/livez")
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("liveness is %v, %v, want 200", res, err)
	}
	res.Body.Close()
}
