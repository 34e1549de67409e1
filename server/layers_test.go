package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/nestpayments/nestpayments/gen"
)

// Layer is a part of the way of a request that can be measured by itself.
type Layer struct {
	Name string
	// Ready takes requests to where the layer begins. fresh makes one, with what it
	// is about, and is asked as seldom as can be. Every call of next returns the
	// layer, to be run once.
	Ready func(fresh func() *http.Request) (next next, err error)
}

type next = func() (run func() error, err error)

// Layers are those of an operation, in the order in which a request passes them:
//
//   - token: from the Authorization header to the id of a user;
//   - caller: that user, from the store;
//   - validation: what the spec asks of parameters and body;
//   - handler: the generated interface's method, with what it asks of store and
//     Stripe;
//   - encoding: its answer, written.
//
// Layers that an operation does not have are left out: those of callers where no
// token is needed, and all but the handler for Stripe's events.
func (s *Server) Layers(operationID string) ([]Layer, error) {
	if operationID == "WebhookController_stripe" {
		return []Layer{{"handler", s.readyEvent}}, nil
	}
	spec, err := loadSpec(gen.OpenAPI)
	if err != nil {
		return nil, err
	}
	o, known := resolve(spec)[operationID]
	if !known {
		return nil, fmt.Errorf("the spec has no operation %s", operationID)
	}
	var layers []Layer
	if o.secured {
		layers = []Layer{{"token", s.readyToken}, {"caller", s.readyCaller}}
	}
	e := echo.New()
	gen.RegisterHandlersWithOptions(e, gen.NewStrictHandler(s.handlers, []gen.StrictMiddlewareFunc{stop}),
		gen.RegisterHandlersOptions{OperationMiddlewares: s.operations(spec)})
	return append(layers, Layer{"validation", s.readyValidation(o)}, Layer{"handler", readyHandler(e)}, Layer{"encoding", readyEncoding(e)}), nil
}

func (s *Server) readyToken(fresh func() *http.Request) (next, error) {
	header := fresh().Header
	run := func() error { _, err := s.tokenClaims(header); return err }
	return func() (func() error, error) { return run, nil }, nil
}

func (s *Server) readyCaller(fresh func() *http.Request) (next, error) {
	r := fresh()
	claims, err := s.tokenClaims(r.Header)
	run := func() error { _, err := s.findCaller(r.Context(), claims); return err }
	return func() (func() error, error) { return run, nil }, err
}

func (s *Server) readyValidation(o operation) func(func() *http.Request) (next, error) {
	return func(fresh func() *http.Request) (next, error) {
		r := fresh()
		body, err := io.ReadAll(r.Body)
		return func() (func() error, error) {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			c := routed(s.echo, again)
			return func() error { return s.check(c, o, sender{}) }, nil
		}, err
	}
}

func readyHandler(e *echo.Echo) func(func() *http.Request) (next, error) {
	return func(fresh func() *http.Request) (next, error) {
		return func() (func() error, error) {
			handle, err := bind(e, fresh())
			return func() error { _, err := handle(); return err }, err
		}, nil
	}
}

func readyEncoding(e *echo.Echo) func(func() *http.Request) (next, error) {
	return func(fresh func() *http.Request) (next, error) {
		handle, err := bind(e, fresh())
		if err != nil {
			return nil, err
		}
		answer, err := handle()
		if err != nil {
			return nil, err
		}
		encode, err := encoder(answer)
		return func() (func() error, error) {
			w := NewSink()
			return func() error { return encode(w) }, nil
		}, err
	}
}

func (s *Server) readyEvent(fresh func() *http.Request) (next, error) {
	return func() (func() error, error) {
		c := routed(s.echo, fresh())
		return func() error { return s.receiveEvent(c) }, nil
	}, nil
}

// routed is the context that Echo makes of a request, its path's parameters read.
func routed(e *echo.Echo, r *http.Request) echo.Context {
	c := e.NewContext(r.WithContext(withEvent(r.Context(), &event{})), NewSink())
	e.Router().Find(r.Method, echo.GetPath(r), c)
	return c
}

// bound is the call of a handler on a request that has come as far as that. It is
// an error so that it goes no further.
type bound func() (any, error)

func (bound) Error() string { return "stopped before the handler" }

// stop is the strict middleware that stops every request there.
func stop(f gen.StrictHandlerFunc, _ string) gen.StrictHandlerFunc {
	return func(c echo.Context, request any) (any, error) {
		return nil, bound(func() (any, error) { return f(c, request) })
	}
}

// bind takes a request through everything before its handler.
func bind(e *echo.Echo, r *http.Request) (bound, error) {
	c := routed(e, r)
	err := c.Handler()(c)
	var handle bound
	if !errors.As(err, &handle) {
		return nil, fmt.Errorf("the request came to no handler: %w", err)
	}
	return handle, nil
}

// encoder is what writes a handler's answer: its one method Visit…Response, which the
// generated code calls. To call it like this is one allocation of 8 octets more.
func encoder(answer any) (func(http.ResponseWriter) error, error) {
	v := reflect.ValueOf(answer)
	for i := range v.NumMethod() {
		if encode, ok := v.Method(i).Interface().(func(http.ResponseWriter) error); ok && strings.HasPrefix(v.Type().Method(i).Name, "Visit") {
			return encode, nil
		}
	}
	return nil, fmt.Errorf("%T has no method that writes it", answer)
}

// Sink takes an answer and keeps its status alone. It allocates nothing, so that
// what is measured is the server's.
type Sink struct {
	Status int
	header http.Header
}

// NewSink returns one for one answer.
func NewSink() *Sink { return &Sink{header: http.Header{}} }

func (w *Sink) Header() http.Header         { return w.header }
func (w *Sink) WriteHeader(status int)      { w.Status = status }
func (w *Sink) Write(p []byte) (int, error) { return len(p), nil }
