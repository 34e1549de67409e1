package server_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

// Whatever a caller can get repeated in an answer cannot start a header.
func TestNothingReflectedStartsAHeader(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	const evil = "a\r\nX-Evil: 1\r\n\r\n<script>"
	for name, r := range map[string]request{
		"the name of a query parameter": {method: "GET", path: "/user?" + url.QueryEscape(evil) + "=1", token: me.token},
		"its value":                     {method: "GET", path: "/user?cursor=" + url.QueryEscape(evil), token: me.token},
		"the path":                      {method: "GET", path: "/user/" + url.PathEscape(evil), token: me.token},
		"a path of nothing":             {method: "GET", path: "/" + url.PathEscape(evil)},
		"the name of a property":        {method: "POST", path: "/payment", token: me.token, body: object{evil: 1}},
		"a value":                       {method: "POST", path: "/payment", token: me.token, body: object{"cuid": evil}},
	} {
		got := a.send(r)
		if got.status != 400 && got.status != 404 {
			t.Errorf("%s: status %d", name, got.status)
		}
		if got.header.Get("X-Evil") != "" || bytes.Contains(got.body, []byte("<script>")) || bytes.Contains(got.body, []byte("\r")) {
			t.Errorf("%s: repeated as it was: %v %s", name, got.header, got.body)
		}
	}
	// Go's client and server let no such header through; a handler could still be
	// reached in another way.
	for _, id := range []string{evil, "a b", "\x00", "é", "a\nb", ""} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/user", nil)
		r.Header["X-Request-Id"] = []string{id}
		(*a.handler.Load()).ServeHTTP(w, r)
		if got := w.Header().Get("X-Request-Id"); !strings.HasPrefix(got, "req_") {
			t.Errorf("the request id %q is taken over as %q", id, got)
		}
	}
}

// What is no HTTP is refused before anything of ours sees it.
func TestRawConnections(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	srv, ok := (*a.handler.Load()).(*server.Server)
	if !ok {
		t.Fatal("the handler is no server")
	}
	go func() { done <- srv.Serve(ctx, ln, server.Lifetimes{}) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	for _, tc := range []struct {
		name, text string
		want       []int
	}{
		{"good", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}},
		{"headers of 40 KiB", "GET /user HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("a", 40<<10) + "\r\n\r\n", []int{431}},
		{"many headers", "GET /user HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Many: 1\r\n", 4000) + "\r\n", []int{431}},
		{"a path of 40 KiB", "GET /" + strings.Repeat("a", 40<<10) + " HTTP/1.1\r\nHost: x\r\n\r\n", []int{431, 414}},
		{"no host", "GET /user HTTP/1.1\r\n\r\n", []int{400}},
		{"two hosts", "GET /user HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", []int{400}},
		{"NUL in a header", "GET /user HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\x00b\r\n\r\n", []int{400}},
		{"a bare CR in a header", "GET /user HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rX-Evil: 1\r\n\r\n", []int{400}},
		{"a space before the colon", "GET /user HTTP/1.1\r\nHost: x\r\nX-Request-Id : a\r\n\r\n", []int{400}},
		{"two lengths", "POST /user/login HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", []int{400}},
		{"a negative length", "POST /user/login HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n{}", []int{400}},
		{"an unknown transfer coding", "POST /user/login HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", []int{501}},
		{"a chunk that is none", "POST /user/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", []int{400}},
		{"a length beyond any body", "POST /user/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n" + strings.Repeat(" ", 70_000), []int{413}},
		{"an absolute target", "GET http://elsewhere/livez HTTP/1.1\r\nHost: x\r\n\r\n", []int{200}},
		{"a tunnel", "CONNECT elsewhere:443 HTTP/1.1\r\nHost: elsewhere:443\r\n\r\n", []int{404, 405}},
		{"the asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", []int{200, 204, 404, 405}},
		{"no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00", []int{400}},
	} {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		// A server that has answered may close before it has read all.
		_, _ = io.WriteString(conn, tc.text)
		_ = conn.(*net.TCPConn).CloseWrite()
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
		} else {
			if !slices.Contains(tc.want, res.StatusCode) {
				t.Errorf("%s: status %d, want %v", tc.name, res.StatusCode, tc.want)
			}
			if res.Header.Get("X-Evil") != "" {
				t.Errorf("%s: a header was smuggled through", tc.name)
			}
			res.Body.Close()
		}
		conn.Close()
	}
	a.get("/livez", "").want(t, 200)
}
