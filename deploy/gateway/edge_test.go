package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"net/http"
	"testing"
	"time"
)

func (s *system) public(t *testing.T) {
	for _, tc := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/user/register", `{}`, 400},
		{"POST", "/user/login", `{"email":"nobody@example.com","password":"x"}`, 401},
		{"POST", "/webhook/stripe", `{}`, 400},
		{"GET", "/.well-known/jwks.json", "", 200},
		{"GET", "/openapi.yaml", "", 200},
		{"GET", "/openapi.json", "", 200},
	} {
		// A token that is no good does not matter where none is needed.
		for _, authorization := range []string{"", "Bearer abc"} {
			a := s.send(t, "", tc.method, tc.path, tc.body, "Authorization", authorization)
			if a.status != tc.status {
				t.Errorf("%s %s: %d %s, want %d", tc.method, tc.path, a.status, a.body, tc.status)
			}
			s.log.await(t, tc.path, func(r logged) bool { return r.RequestID == a.requestID() })
		}
	}
}

func (s *system) hidden(t *testing.T) {
	var answers []answer
	for _, path := range []string{"/", "/livez", "/readyz", "/metrics", "/users", "/user/", "/user/a/b", "/user/%2e%2e/livez"} {
		a := s.send(t, "", "GET", path, "")
		if code := a.problem(t).Code; a.status != http.StatusNotFound || code != "not_found" {
			t.Errorf("GET %s: %d %s", path, a.status, a.body)
		}
		answers = append(answers, a)
	}
	a := s.send(t, "", "GET", "/user/a%2fb", "")
	if code := a.problem(t).Code; a.status != http.StatusBadRequest || code != "invalid_request" {
		t.Errorf("a slash in disguise: %d %s", a.status, a.body)
	}
	s.neverReached(t, append(answers, a)...)
}

func (s *system) otherMethods(t *testing.T) {
	for _, tc := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"PUT", "/user", 405, "GET, HEAD, OPTIONS, POST"},
		{"GET", "/user/login", 405, "OPTIONS, POST"},
		{"DELETE", "/user/register", 405, "OPTIONS, POST"},
		{"GET", "/payment/confirm", 405, "OPTIONS, POST"},
		{"OPTIONS", "/payment", 204, "GET, HEAD, OPTIONS, POST"},
	} {
		a := s.send(t, "", tc.method, tc.path, "")
		if got := a.header.Get("Allow"); a.status != tc.status || got != tc.allow {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", tc.method, tc.path, a.status, got, tc.status, tc.allow)
		}
	}
}

// webhook sends an event that no JSON library would write like this.
func (s *system) webhook(t *testing.T) {
	body := "{ \"type\":\"customer.created\" ,\r\n\t\"id\" : \"evt_\\u0031\",\"x\":1.0e0 , \"é\":\"\\/\" }\n"
	sign := func(body string) string {
		at := time.Now().Unix()
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		fmt.Fprintf(mac, "%d.%s", at, body)
		return fmt.Sprintf("t=%d,v1=%x", at, mac.Sum(nil))
	}
	if a := s.send(t, "", "POST", "/webhook/stripe", body, "Stripe-Signature", sign(body)); a.status != http.StatusNoContent {
		t.Errorf("a signed event: %d %s", a.status, a.body)
	}
	if a := s.send(t, "", "POST", "/webhook/stripe", body, "Stripe-Signature", sign(body+" ")); a.status != http.StatusBadRequest || a.problem(t).Code != "invalid_signature" {
		t.Errorf("an event with another's signature: %d %s", a.status, a.body)
	}
}

// addresses: sign-ups are limited to three by address, and a client cannot choose it.
func (s *system) addresses(t *testing.T) {
	sign := func(n int, from string, headers ...string) int {
		return s.send(t, from, "POST", "/user/register",
			fmt.Sprintf(`{"userName":"Ada","email":"address%d@example.com","password":"correct horse"}`, n), headers...).status
	}
	for n, want := range []int{201, 201, 201, 429} {
		if got := sign(n, "127.0.0.2"); got != want {
			t.Errorf("sign-up %d from 127.0.0.2: %d, want %d", n, got, want)
		}
	}
	if got := sign(4, "127.0.0.2", "X-Forwarded-For", "192.0.2.1"); got != 429 {
		t.Errorf("from 127.0.0.2 under another name: %d, want 429", got)
	}
	if got := sign(5, "127.0.0.3"); got != 201 {
		t.Errorf("from 127.0.0.3: %d, want 201", got)
	}
}

func (s *system) outage(t *testing.T) {
	s.stopServer()
	a := s.send(t, "", "GET", "/openapi.json", "")
	if code := a.problem(t).Code; a.status != http.StatusServiceUnavailable || code != "outcome_unknown" || a.header.Get("Retry-After") == "" {
		t.Errorf("got %d %v %s, want 503 with Retry-After", a.status, a.header, a.body)
	}
	conforms(t, a.body)
}
