package server

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// What the HTTP server takes from its clients. A request has requestTimeout in
// all, so that a slow client holds a connection for no longer.
const (
	requestTimeout = 60 * time.Second
	idleTimeout    = 120 * time.Second
	// maxHeaderBytes is the size of all headers of a request. net/http lets 4
	// KiB more pass.
	maxHeaderBytes = 16 << 10
)

// Lifetimes are how long Serve gives slow clients, and itself when it stops.
type Lifetimes struct {
	// Header is how long a client may take to send the headers of a request. 0
	// means 5 seconds.
	Header time.Duration
	// Request is how long a client may take to send a request, headers and
	// body. 0 means 15 seconds.
	Request time.Duration
	// Notice is how long the server goes on as before while readiness already
	// says no, so that balancers stop sending. 0 means none.
	Notice time.Duration
	// Drain is how long requests under way may take to end. 0 means 20 seconds.
	Drain time.Duration
}

// Serve answers on the listener until ctx ends, as Startup.Serve does.
func (s *Server) Serve(ctx context.Context, ln net.Listener, life Lifetimes) error {
	open := func(context.Context) (*Server, error) { return s, nil }
	return Startup{Open: open, Log: s.log, Lifetimes: life}.Serve(ctx, ln)
}

func (l *Lifetimes) setDefaults() error {
	if l.Header < 0 || l.Request < 0 || l.Notice < 0 || l.Drain < 0 {
		return fmt.Errorf("serve: lifetimes are %+v: none may be negative", *l)
	}
	l.Header = cmp.Or(l.Header, 5*time.Second)
	l.Request = cmp.Or(l.Request, 15*time.Second)
	l.Drain = cmp.Or(l.Drain, 20*time.Second)
	return nil
}

func (u Startup) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: u.Header,
		ReadTimeout:       u.Request,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(u.Log.Handler(), slog.LevelWarn),
	}
}

// readyTimeout bounds the question to the database.
const readyTimeout = 2 * time.Second

const (
	livePath  = "/livez"
	readyPath = "/readyz"
)

// registerHealth adds liveness, which says that the process answers, and
// readiness, which says that it can do its work: the database answers, Stripe does not
// refuse the key, and no stop is under way. Readiness does not depend on Stripe being up.
func (s *Server) registerHealth(router headRouter) {
	router.GET(livePath, func(c echo.Context) error {
		return c.String(http.StatusOK, "ok\n")
	})
	router.GET(readyPath, func(c echo.Context) error {
		if s.draining.Load() {
			return c.String(http.StatusServiceUnavailable, "stopping\n")
		}
		if why := s.key.notReady(); why != "" {
			return c.String(http.StatusServiceUnavailable, why)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), readyTimeout)
		defer cancel()
		if err := s.store.Ping(ctx); err != nil {
			return c.String(http.StatusServiceUnavailable, "the database does not answer\n")
		}
		return c.String(http.StatusOK, "ok\n")
	})
}
