package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
)

// listen serves on the listener with these time-outs until the test ends, as the
// programs do.
func (a *api) listen(ln net.Listener, life server.Lifetimes) {
	a.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	srv := (*a.handler.Load()).(*server.Server)
	go func() { done <- srv.Serve(ctx, ln, life) }()
	a.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			a.t.Errorf("Serve: %v", err)
		}
	})
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// patience ends a test that hangs. It is far more than anything takes.
const patience = time.Minute

// dial opens a connection on which nothing waits for longer than patience.
func dial(t *testing.T, ln net.Listener) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// read reads an answer from the connection and checks it against the spec.
func (a *api) read(conn *bufio.Reader, method, path string) answer {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	res, err := http.ReadResponse(conn, req)
	if err != nil {
		a.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	got := answer{res.StatusCode, res.Header, text}
	conform(a.t, req, got)
	return got
}

// dribble writes text to the connection a byte at a time until it is cut off, and
// returns how many bytes it got rid of.
func dribble(conn net.Conn, text string) *atomic.Int64 {
	sent := new(atomic.Int64)
	go func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for i := range len(text) {
			<-tick.C
			if _, err := conn.Write([]byte{text[i]}); err != nil {
				return
			}
			sent.Add(1)
		}
	}()
	return sent
}

// ended fails the test unless the server has closed the connection.
func ended(t *testing.T, conn io.Reader) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	if err != io.EOF && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection goes on: %d bytes, %v", n, err)
	}
}

func TestOversizedHeaders(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	ln := loopback(t)
	a.listen(ln, server.Lifetimes{})
	for _, tc := range []struct {
		name, headers string
		want          int
	}{
		{"of 15 KiB", "X-Large: " + strings.Repeat("a", 15<<10) + "\r\n", 401},
		{"one of 24 KiB", "X-Large: " + strings.Repeat("a", 24<<10) + "\r\n", 431},
		{"many of 24 KiB", strings.Repeat("X-Many: "+strings.Repeat("a", 1014)+"\r\n", 24), 431},
	} {
		conn := dial(t, ln)
		// The server stops reading in the midst of it.
		_, _ = fmt.Fprintf(conn, "GET /user HTTP/1.1\r\nHost: x\r\n%s\r\n", tc.headers)
		if tc.want < 431 {
			a.read(bufio.NewReader(conn), "GET", "/user").want(t, tc.want)
			continue
		}
		// This is net/http's own answer, before anything of ours has run.
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || res.StatusCode != tc.want {
			t.Errorf("%s: %v, %v, want status %d", tc.name, res, err, tc.want)
			continue
		}
		res.Body.Close()
	}
}

func TestClientsThatAreSlow(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	ln := loopback(t)
	a.listen(ln, server.Lifetimes{Header: 200 * time.Millisecond, Request: 400 * time.Millisecond})
	// At its pace the client would take minutes.
	const declared = 60_000
	slow := strings.Repeat("a", declared)

	t.Run("with headers are cut off", func(t *testing.T) {
		t.Parallel()
		conn := dial(t, ln)
		_, _ = io.WriteString(conn, "GET /user HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		sent := dribble(conn, slow)
		ended(t, conn)
		if n := sent.Load(); n == declared {
			t.Errorf("the client got rid of all %d bytes", n)
		}
	})
	t.Run("with nothing at all are cut off", func(t *testing.T) {
		t.Parallel()
		ended(t, dial(t, ln))
	})
	for path, code := range map[string]string{"/user/login": "invalid_json", "/webhook/stripe": "invalid_event"} {
		for name, send := range map[string]func(net.Conn) *atomic.Int64{
			"a byte at a time": func(c net.Conn) *atomic.Int64 { return dribble(c, slow) },
			"and stop":         func(net.Conn) *atomic.Int64 { return new(atomic.Int64) },
		} {
			t.Run("with a body to "+path+" "+name+" are cut off", func(t *testing.T) {
				t.Parallel()
				conn := dial(t, ln)
				_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nStripe-Signature: t=%d,v1=00\r\nContent-Length: %d\r\n\r\n{", path, a.clock().Unix(), declared)
				sent := send(conn)
				r := bufio.NewReader(conn)
				a.read(r, "POST", path).problem(t, 400, code)
				ended(t, r)
				if n := sent.Load(); n >= declared-1 {
					t.Errorf("the client got rid of all %d bytes", n)
				}
			})
		}
	}
}

// tiredListener fails once before it accepts.
type tiredListener struct {
	net.Listener
	failed atomic.Bool
}

func (l *tiredListener) Accept() (net.Conn, error) {
	if l.failed.CompareAndSwap(false, true) {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// What net/http itself has to say goes where all logs go.
func TestTheHTTPServerLogsStructured(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	ln := loopback(t)
	a.listen(&tiredListener{Listener: ln}, server.Lifetimes{})
	conn := dial(t, ln)
	_, _ = io.WriteString(conn, "GET /user HTTP/1.1\r\nHost: x\r\n\r\n")
	a.read(bufio.NewReader(conn), "GET", "/user").want(t, 401)
	for line := range strings.Lines(a.logs.String()) {
		if strings.Contains(line, "too many open files") {
			if !strings.HasPrefix(line, "{") || !strings.Contains(line, `"level":"WARN"`) {
				t.Errorf("the log line is %s", line)
			}
			return
		}
	}
	t.Error("the log does not know that accepting failed")
}
