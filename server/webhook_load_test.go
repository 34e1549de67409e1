package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/nestpayments/nestpayments/server"
)

// unread fails the test if anybody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

// What the header shows to be wrong is refused before the body is read, and so is a
// body that is announced to be too large.
func TestUnsignedEventsAreNotRead(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	now := a.clock().Unix()
	for header, code := range map[string]string{
		"": "invalid_signature", "garbage": "invalid_signature", fmt.Sprintf("t=%d", now): "invalid_signature", "v1=00": "invalid_signature",
		fmt.Sprintf("t=%d,v1=00", now-301): "invalid_signature", fmt.Sprintf("t=%d,v1=00", now+320): "invalid_signature",
		fmt.Sprintf("t=%d,v0=00", now): "invalid_signature",
	} {
		r, err := http.NewRequestWithContext(t.Context(), "POST", a.url+"/webhook/stripe", unread{t})
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = 1000
		r.Header.Set("Stripe-Signature", header)
		w := httptest.NewRecorder()
		(*a.handler.Load()).ServeHTTP(w, r)
		answer{w.Code, w.Header(), w.Body.Bytes()}.problem(t, 400, code)
	}
	r, err := http.NewRequestWithContext(t.Context(), "POST", a.url+"/webhook/stripe", unread{t})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = 256<<10 + 1
	r.Header.Set("Stripe-Signature", fmt.Sprintf("t=%d,v1=00", now))
	w := httptest.NewRecorder()
	(*a.handler.Load()).ServeHTTP(w, r)
	answer{w.Code, w.Header(), w.Body.Bytes()}.problem(t, 413, "body_too_large")
}

// The largest event is taken: an object with full metadata, which it holds twice.
func TestLargeEvents(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	metadata := object{}
	for i := range 50 {
		metadata[fmt.Sprintf("%040d", i)] = strings.Repeat("ä", 500)
	}
	e := object{"id": "evt_1", "object": "event", "type": "customer.updated", "data": object{
		"object": object{"id": "cus_1", "object": "customer", "metadata": metadata}, "previous_attributes": object{"metadata": metadata},
	}}
	text, err := json.Marshal(e)
	if err != nil || len(text) < 100_000 {
		t.Fatalf("the event has %d bytes, %v", len(text), err)
	}
	a.signed(webhookSecret, a.clock(), e).want(t, 204)
}

// An address that sends what Stripe has not signed is refused after a while. Signed
// events never count: however many come, Stripe is not turned away.
func TestUnsignedEventsAreLimitedAndSignedOnesAreNot(t *testing.T) {
	t.Parallel()
	a, clock := start(t, setup{noWebhooks: true}), newStopwatch()
	a.limit(2, clock) // 20 without a signature
	text := []byte(`{"id":"evt_1","type":"a.b"}`)
	send := func(secret string) answer {
		p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: text, Secret: secret, Timestamp: a.clock()})
		return a.send(request{method: "POST", path: "/webhook/stripe", body: string(text), header: http.Header{"Stripe-Signature": {p.Header}}})
	}
	for range 60 {
		send(webhookSecret).want(t, 204)
	}
	for range 10 {
		send("whsec_another").problem(t, 400, "invalid_signature")
		a.post("/webhook/stripe", "", "{}").problem(t, 400, "invalid_signature")
	}
	for range 30 {
		if got := send(webhookSecret); got.status == 204 {
			t.Fatal("the address is not refused")
		}
	}
	got := send("whsec_another").want(t, 429)
	got.problem(t, 429, "rate_limited")
	if wait := got.header.Get("Retry-After"); wait != "3" {
		t.Errorf("Retry-After is %q, want 3", wait)
	}
	clock.pass(3 * time.Second)
	send(webhookSecret).want(t, 204)
	send("whsec_another").problem(t, 400, "invalid_signature")
}

// Addresses that send many large bodies slowly hold little of the memory for bodies:
// the events of others are read meanwhile.
func TestSlowBodiesHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]struct{ connections, addresses, declared, sent int }{
		"one address":                       {60, 1, 65536, 1},
		"eight addresses":                   {64, 8, 262144, 1},
		"eight addresses that send a while": {64, 8, 262144, 20_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, setup{noWebhooks: true, change: func(c *server.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} }})
			ln := loopback(t)
			a.listen(ln, server.Lifetimes{Request: time.Minute})
			for i := range slow.connections {
				path := "/webhook/stripe"
				if i%2 == 1 && slow.declared <= 65536 {
					path = "/user/login"
				}
				_, err := fmt.Fprintf(dial(t, ln), "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Forwarded-For: 198.51.100.%d\r\n"+
					"Stripe-Signature: t=%d,v1=00\r\nContent-Length: %d\r\n\r\n%s", path, i%slow.addresses, a.clock().Unix(), slow.declared, strings.Repeat("{", slow.sent))
				if err != nil {
					t.Fatal(err)
				}
			}
			text := []byte(`{"id":"evt_1","type":"a.b","data":"` + strings.Repeat("a", 5000) + `"}`)
			for range 20 {
				p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: text, Secret: webhookSecret, Timestamp: a.clock()})
				r, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+ln.Addr().String()+"/webhook/stripe", bytes.NewReader(text))
				if err != nil {
					t.Fatal(err)
				}
				r.Header = http.Header{"Stripe-Signature": {p.Header}, "X-Forwarded-For": {"192.0.2.2"}}
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				res.Body.Close()
				if res.StatusCode != 204 {
					t.Fatalf("an event of another address gets status %d", res.StatusCode)
				}
			}
		})
	}
}
