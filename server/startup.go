package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/store"
)

// Startup accepts requests while the server is being opened: /livez returns 200,
// everything else 503.
type Startup struct {
	// Open returns the server. It may take minutes, while the database cannot be reached
	// or makes an index. Required.
	Open func(context.Context) (*Server, error)
	// Serving is called when the server is ready to handle requests. May be nil.
	Serving func()
	// Log receives the errors of net/http. Required.
	Log *slog.Logger
	Lifetimes
}

// Serve serves until ctx ends. Then readiness fails, requests in progress finish, and
// the reconciler stops last. It returns nil after a clean stop; otherwise the error of
// the Lifetimes, of Open, of the listener, or of requests that outlasted Drain.
func (u Startup) Serve(ctx context.Context, ln net.Listener) error {
	if err := u.setDefaults(); err != nil {
		return err
	}
	var current atomic.Pointer[http.Handler]
	answer := func(h http.Handler) { current.Store(&h) }
	answer(http.HandlerFunc(answerWhileOpening))
	srv := u.httpServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*current.Load()).ServeHTTP(w, r) }))
	failed := make(chan error, 1)
	opening, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		err := fmt.Errorf("serve: %w", srv.Serve(ln))
		cancel(err)
		failed <- err
	}()
	s, err := u.Open(opening)
	if err != nil {
		return errors.Join(err, srv.Close())
	}
	answer(s.wrap(s))
	return u.run(ctx, s, srv, failed)
}

// run serves an open server until ctx ends, and stops its parts in order.
func (u Startup) run(ctx context.Context, s *Server, srv *http.Server, failed <-chan error) error {
	s.reconciler.Start(context.WithoutCancel(ctx))
	defer s.reconciler.Stop()
	if s.key.ask != nil {
		go s.key.watch(ctx, s.log)
	}
	if u.Serving != nil {
		u.Serving()
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.LogAttrs(ctx, slog.LevelInfo, "stopping", slog.Int64("noticeMs", u.Notice.Milliseconds()), slog.Int64("drainMs", u.Drain.Milliseconds()))
	select {
	case err := <-failed:
		return err
	case <-time.After(u.Notice):
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), u.Drain)
	defer cancel()
	if err := srv.Shutdown(drain); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %s: %w", u.Drain, err), srv.Close())
	}
	return nil
}

// answerWhileOpening returns 200 for liveness, and 503 for everything else.
func answerWhileOpening(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set(echo.HeaderXContentTypeOptions, "nosniff")
	id := requestID(r.Header)
	h.Set(echo.HeaderXRequestID, id)
	if r.URL.Path == livePath && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		h.Set(echo.HeaderContentType, echo.MIMETextPlainCharsetUTF8)
		_, _ = w.Write([]byte("ok\n"))
		return
	}
	if r.URL.Path == readyPath {
		h.Set(echo.HeaderRetryAfter, strconv.Itoa(retryAfter))
		http.Error(w, "the database is being opened", http.StatusServiceUnavailable)
		return
	}
	writeProblem(w, newProblem(kindOf(store.ErrUnavailable), id), store.ErrUnavailable)
}
