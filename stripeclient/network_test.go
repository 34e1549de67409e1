package stripeclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// serve returns a client, of one attempt, of a real HTTP server.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*Config)) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	cfg := Config{SecretKey: testKey, BaseURL: s.URL, MaxAttempts: 1}
	for _, c := range change {
		c(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.transport.(*http.Transport).CloseIdleConnections)
	return c
}

func TestBrokenAnswersAreUnknown(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		answer http.HandlerFunc
		cause  error
	}{
		{"the connection is dropped before the answer", func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, io.EOF},
		{"the connection is dropped within the answer", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(intentJSON)))
			_, _ = io.WriteString(w, intentJSON[:50])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, io.ErrUnexpectedEOF},
		{"the answer is a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, errRedirect},
		{"the answer is a redirect with a body like a success", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusFound)
			_, _ = io.WriteString(w, intentJSON)
		}, errRedirect},
		{"the answer is too large", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, intentJSON+strings.Repeat(" ", maxAnswer))
		}, errTooLarge},
		{"the answer is a page of a proxy", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadGateway)
			_, _ = io.WriteString(w, "<html><h1>502 Bad Gateway</h1></html>")
		}, errUnreadable},
		{"the answer is truncated JSON", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, intentJSON[:50])
		}, errUnreadable},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				tt.answer(w, r)
			})
			_, err := c.CreateIntent(t.Context(), "key1", IntentParams{CustomerID: "cus_1"})
			wantKind(t, err, KindUnknown)
			if !errors.Is(err, tt.cause) {
				t.Errorf("got cause %v, want %v", errors.Unwrap(err), tt.cause)
			}
			if n := requests.Load(); n != 1 {
				t.Errorf("got %d requests, want 1", n)
			}
		})
	}
}

func TestSlowAnswersTimeOut(t *testing.T) {
	t.Parallel()
	stall := func(begin string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			// Reading the body lets the server notice that the client left.
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(w, begin)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	for name, begin := range map[string]string{"after the headers": "", "within the body": intentJSON[:50]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := serve(t, stall(begin), func(c *Config) { c.Timeout = 50 * time.Millisecond })
			_, err := c.ConfirmIntent(t.Context(), "pi_1", "key1", "pm_1")
			wantKind(t, err, KindUnknown)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got cause %v, want context.DeadlineExceeded", errors.Unwrap(err))
			}
		})
		t.Run(name+", given up by the caller", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			h := stall(begin)
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				time.AfterFunc(10*time.Millisecond, cancel)
				h(w, r)
			})
			_, err := c.ConfirmIntent(ctx, "pi_1", "key1", "pm_1")
			wantKind(t, err, KindUnknown)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got cause %v, want context.Canceled", errors.Unwrap(err))
			}
		})
	}
}

func TestAServerThatIsNotThereIsUnknown(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	c, err := New(Config{SecretKey: testKey, BaseURL: s.URL, MaxAttempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Intent(t.Context(), "pi_1")
	if e := wantKind(t, err, KindUnknown); e.Status != 0 {
		t.Errorf("got status %d, want 0", e.Status)
	}
}

func TestALostReplyOverTheNetworkIsAskedForAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	keys := make(chan string, 10)
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		keys <- r.Header.Get("Idempotency-Key")
		if len(keys) == 1 {
			panic(http.ErrAbortHandler)
		}
		w.Header().Set("Idempotent-Replayed", "true")
		_, _ = io.WriteString(w, intentJSON)
	}, func(c *Config) { c.MaxAttempts = 3 })
	in, err := c.ConfirmIntent(t.Context(), "pi_1", "key1", "pm_1")
	if err != nil {
		t.Fatal(err)
	}
	if first, second := <-keys, <-keys; !in.Replayed || first != "key1" || second != "key1" {
		t.Errorf("got replayed %v with keys %q and %q, want true and key1 twice", in.Replayed, first, second)
	}
}

func BenchmarkConfirmIntent(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, intentJSON)
	}))
	defer s.Close()
	c, err := New(Config{SecretKey: testKey, BaseURL: s.URL, RatePerSecond: 1e9})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ConfirmIntent(b.Context(), "pi_1", "key1", "pm_1"); err != nil {
			b.Fatal(err)
		}
	}
}
