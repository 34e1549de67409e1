package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/store"
)

// Startup serves a server that is still to be opened: liveness answers at once, and
// everything else is a 503 until it is.
type Startup struct {
	// Open makes the server. It may take minutes, while the database cannot be reached
	// or makes an index. Required.
	Open func(context.Context) (*Server, error)
	// Serving is called as soon as the server answers. nil means nobody is told.
	Serving func()
	// Log takes what net/http complains about. Required.
	Log *slog.Logger
	Lifetimes
}

// Serve answers on the listener until ctx ends. Then readiness goes first, requests
// under way are let finish, and the reconciler stops last. It returns nil after a
// clean stop, and the error of Open.
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

// run is the life of an open server: it serves until ctx ends, and stops in order.
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

// answerWhileOpening answers before there is a server: 200 to liveness, and to
// everything else what a database that cannot be reached leads to.
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
	h.Set(echo.HeaderRetryAfter, strconv.Itoa(retryAfter))
	if r.URL.Path == readyPath {
		http.Error(w, "the database is being opened", http.StatusServiceUnavailable)
		return
	}
	k := kindOf(store.ErrUnavailable)
	body, err := json.Marshal(gen.Problem{
		Type: problemType + k.code, Title: k.title, Status: k.status, Detail: k.detail, Instance: id, Code: k.code,
	})
	if err != nil { // a struct of strings and numbers always encodes
		panic(err)
	}
	h.Set(echo.HeaderContentType, "application/problem+json")
	w.WriteHeader(int(k.status))
	_, _ = w.Write(body)
}
