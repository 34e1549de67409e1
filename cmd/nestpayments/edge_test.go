package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Flags describe what stands in front of the server.
func TestEdgeFlags(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.start(t, "--trusted-proxies", "10.0.0.0/8,127.0.0.0/8", "--cors-origins", "https://shop.example.com,http://localhost:3000",
		"--sign-up-limit", "1", "--login-limit", "1")
	send := func(client, path, body string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{
			"Content-Type": {"application/json"}, "X-Forwarded-For": {client + ", 10.0.0.7"}, "Origin": {"http://localhost:3000"},
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res
	}
	for i, tc := range []struct {
		client string
		want   int
	}{{"192.0.2.1", 201}, {"192.0.2.1", 429}, {"192.0.2.2", 201}} {
		res := send(tc.client, "/user/register", registration(i))
		if res.StatusCode != tc.want {
			t.Errorf("registration %d from %s: status %d, want %d", i, tc.client, res.StatusCode, tc.want)
		}
		if got := res.Header.Get("Access-Control-Allow-Origin"); got != "http://localhost:3000" {
			t.Errorf("Access-Control-Allow-Origin is %q", got)
		}
	}
	for i, want := range []int{401, 429} {
		body := fmt.Sprintf(`{"email":"nobody%d@example.com","password":"x"}`, i)
		if got := send("192.0.2.3", "/user/login", body).StatusCode; got != want {
			t.Errorf("login %d: status %d, want %d", i, got, want)
		}
	}
}

func TestFaultyEdgeFlags(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := run(ctx, append(append([]string{"serve"}, s.args...),
		"--trusted-proxies", "10.0.0.0/8,lan", "--cors-origins", "*", "--login-limit=-1", "--sign-up-limit=-1", "--request-limit=-1"), io.Discard)
	for _, want := range []string{`"lan" is not a network`, `"*" is not a web origin`, "--login-limit is -1", "--sign-up-limit is -1", "--request-limit is -1", "TRUSTED_PROXIES: ", "CORS_ORIGINS: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

// Deployments often pass on variables that are not set, as empty ones.
func TestEmptyEdgeVariablesAreNone(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	cmd := realProgram(t, []string{"TRUSTED_PROXIES=", "CORS_ORIGINS="}, append([]string{"serve"}, s.args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + serving(t, stdout)["serving"]
	register(t, s.url, "ada@example.com")
}
