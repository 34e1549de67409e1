package payments_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// mode is how a call to the store or to Stripe goes wrong.
type mode int

const (
	// refused: an error, and nothing was done.
	refused mode = iota
	// lost: it was done, and then an error.
	lost
	// hung: no answer until the caller's time is up, and nothing was done.
	hung
	// late: it was done, and no answer until the caller's time is up.
	late
	// slow, Stripe only: it is done long after the caller's time is up.
	slow
	// goneBefore and goneAfter: the process ends right before or after it was
	// done. Nothing that it was about to do is done.
	goneBefore
	goneAfter
	// stale, store only: another was first, and nothing was done.
	stale
	// fault, Stripe only: what the sandbox is told to do.
	fault
	// refusal, Stripe only: an answer of ours, and nothing was done.
	refusal
)

// failure is something that goes wrong with one call.
type failure struct {
	name string
	mode mode
	// times is how many calls to Stripe in a row it strikes: 3 are all attempts
	// of stripeclient.
	times int
	fault sandbox.FaultKind
	// answer is the refusal.
	answer answer
}

// answer is an error as Stripe sends it.
type answer struct {
	status              int
	kind                string // of the four types of error
	code, param, intent string
	replayed            bool
}

func (a answer) response(w *world) *http.Response {
	e := map[string]any{"type": a.kind, "message": "refused"}
	if a.code != "" {
		e["code"] = a.code
	}
	if a.param != "" {
		e["param"] = a.param
	}
	if in := w.intentAt(a.intent); in.ID != "" {
		e["payment_intent"] = map[string]any{"id": in.ID, "object": "payment_intent", "status": in.Status}
	}
	rec := httptest.NewRecorder()
	if a.replayed {
		rec.Header().Set("Idempotent-Replayed", "true")
	}
	rec.Header().Set("Request-Id", "req_refused")
	rec.WriteHeader(a.status)
	if err := json.NewEncoder(rec).Encode(map[string]any{"error": e}); err != nil {
		panic(err)
	}
	return rec.Result()
}

var storeFailures = []failure{
	{name: "error before", mode: refused},
	{name: "error after", mode: lost},
	{name: "time-out before", mode: hung},
	{name: "time-out after", mode: late},
	{name: "process gone before", mode: goneBefore},
	{name: "process gone after", mode: goneAfter},
}

var stripeFailures = []failure{
	{name: "no connection once", mode: refused},
	{name: "no connection", mode: refused, times: 3},
	{name: "outage until the breaker opens", mode: refused, times: 7},
	{name: "lost reply once", mode: lost},
	{name: "lost replies", mode: lost, times: 3},
	{name: "time-out before once", mode: hung},
	{name: "time-outs before", mode: hung, times: 3},
	{name: "time-out after once", mode: late},
	{name: "time-outs after", mode: late, times: 3},
	{name: "done after the time-out", mode: slow},
	{name: "saved 500 before", mode: fault, fault: sandbox.FaultErrorBefore},
	{name: "saved 500 after", mode: fault, fault: sandbox.FaultErrorAfter},
	{name: "502 of a proxy", mode: fault, fault: sandbox.FaultHTML502, times: 3},
	{name: "half an answer", mode: fault, fault: sandbox.FaultTruncated},
	{name: "rate limit", mode: fault, fault: sandbox.FaultRateLimit},
	{name: "lock time-out", mode: fault, fault: sandbox.FaultLockTimeout, times: 3},
	{name: "key in use", mode: fault, fault: sandbox.FaultKeyInUse, times: 3},
	{name: "key refused", mode: fault, fault: sandbox.FaultUnauthorized},
	{name: "process gone before", mode: goneBefore},
	{name: "process gone after", mode: goneAfter},
}

// call is one call to the store or to Stripe.
type call struct {
	stripe bool
	name   string
}

// failures are those that the call can meet.
func (c call) failures() []failure {
	if c.stripe {
		return stripeFailures
	}
	return storeFailures
}

func (c call) String() string {
	if c.stripe {
		return "Stripe's " + c.name
	}
	return "the store's " + c.name
}

// perform makes a call to the store, or lets it fail.
func perform(ctx context.Context, w *world, name string, do func() error) error {
	f := w.enter(ctx, call{name: name})
	if f == nil {
		return do()
	}
	unavailable := fmt.Errorf("%s: %w", name, store.ErrUnavailable)
	switch f.mode {
	case refused:
		return unavailable
	case hung:
		<-ctx.Done()
		return fmt.Errorf("%s: %w", name, ctx.Err())
	case stale:
		return fmt.Errorf("%s: %w", name, store.ErrStale)
	case goneBefore:
		runtime.Goexit()
	}
	err := do()
	switch f.mode {
	case lost:
		return errors.Join(unavailable, err)
	case late:
		<-ctx.Done()
		return fmt.Errorf("%s: %w", name, ctx.Err())
	case goneAfter:
		runtime.Goexit()
	}
	return err
}

// transport carries stripeclient's requests straight into the sandbox, or lets
// them fail on the way.
type transport struct{ w *world }

var errNoConnection = errors.New("no connection")

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	w, ctx := t.w, req.Context()
	f := w.enter(ctx, call{stripe: true, name: req.Method + " " + req.URL.Path})
	if f == nil {
		return w.serve(req), nil
	}
	switch f.mode {
	case refused:
		return nil, errNoConnection
	case hung:
		<-ctx.Done()
		return nil, ctx.Err()
	case goneBefore:
		runtime.Goexit()
	case refusal:
		return f.answer.response(w), nil
	case slow:
		w.arm(req, sandbox.Fault{Kind: sandbox.FaultDelay, Delay: 25 * time.Second})
		// The answer to nobody: the request's own context ends before.
		go w.serve(req.WithContext(context.WithoutCancel(ctx)))
		<-ctx.Done()
		return nil, ctx.Err()
	case fault:
		w.arm(req, sandbox.Fault{Kind: f.fault})
	}
	res := w.serve(req)
	switch f.mode {
	case lost:
		return nil, io.ErrUnexpectedEOF
	case late:
		<-ctx.Done()
		return nil, ctx.Err()
	case goneAfter:
		runtime.Goexit()
	}
	return res, nil
}

// serve answers as Stripe does.
func (w *world) serve(req *http.Request) *http.Response {
	if res := w.refuseSecondCard(req); res != nil {
		return res
	}
	return w.withoutHidden(req, serve(w.box, req))
}

// refuseSecondCard is the answer to a confirmation of an intent that waits for the
// authentication of another card, if oneCardAtATime is set. Stripe saves it.
func (w *world) refuseSecondCard(req *http.Request) *http.Response {
	id, isConfirm := strings.CutSuffix(strings.TrimPrefix(req.URL.Path, "/v1/payment_intents/"), "/confirm")
	if !w.oneCardAtATime || !isConfirm {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	key := req.Header.Get("Idempotency-Key")
	saved, known := w.keys[key]
	refused := saved || !known && w.intentAt(id).Status == "requires_action"
	w.keys[key] = refused
	if !refused {
		return nil
	}
	return answer{status: 400, kind: invalidRequest, code: "payment_intent_unexpected_state", intent: id, replayed: known}.response(w)
}

// withoutHidden leaves the events out of a list that are not visible yet.
func (w *world) withoutHidden(req *http.Request, res *http.Response) *http.Response {
	hidden, _ := w.hidden.Load().(string)
	if hidden == "" || req.URL.Path != "/v1/events" {
		return res
	}
	body, err := io.ReadAll(res.Body)
	var page map[string]any
	if err == nil && json.Unmarshal(body, &page) == nil {
		data, _ := page["data"].([]any)
		page["data"] = slices.DeleteFunc(data, func(e any) bool { return e.(map[string]any)["id"] == hidden })
		if body, err = json.Marshal(page); err != nil {
			panic(err)
		}
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res
}

// serve has the handler answer the request.
func serve(h http.Handler, req *http.Request) *http.Response {
	if req.Body == nil {
		req.Body = http.NoBody
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec.Result()
}

// arm lets the fault strike this request.
func (w *world) arm(req *http.Request, f sandbox.Fault) {
	f.Match = req.Method + " " + req.URL.Path
	if err := w.box.AddFault(f); err != nil {
		panic(err)
	}
}
