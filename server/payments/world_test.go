package payments_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// world is one system and those around it: a store, Stripe, processes that come
// and go, and clients who remember what they were told. It lives in a bubble of
// testing/synctest, so pauses and time-outs take no time and nothing depends on
// the speed of the machine.
type world struct {
	db  store.Store
	box *sandbox.Sandbox
	// strike decides what becomes of each call. nil: all go well.
	strike func(call) *failure
	// turns, if set, says which of several requests makes its next call.
	turns *turns
	// hidden is the id of an event that Stripe does not list yet, a string.
	hidden atomic.Value
	// oneCardAtATime lets Stripe refuse a card while another is being
	// authenticated; keys are those of confirmations, true if refused.
	oneCardAtATime bool
	keys           map[string]bool
	// forged are the intents that others made with metadata under our keys.
	forged map[string]bool
	// beforeRetry, if set, happens between a client's tries.
	beforeRetry func()

	mu sync.Mutex
	// process is what answers requests at present.
	process  *process
	calls    []call
	payments []store.Payment // as they were inserted
	users    []*user
	told     map[paymentKey]*told
	faults   int
	breaches []string
}

// process is one running server: what it knows beside its configuration is gone
// with it.
type process struct {
	store      store.Store
	service    *payments.Service
	reconciler *payments.Reconciler
}

// user is a client, and what is to be expected of their customer.
type user struct {
	id string
	// lost is how many of their customers were deleted at Stripe.
	lost    int
	deleted bool
}

// failed is what a test of a world panics with: it may be on any goroutine's
// behalf, and rapid wants a panic.
type failed string

func (w *world) fatalf(format string, args ...any) {
	panic(failed(fmt.Sprintf(format, args...)))
}

// inBubble runs f in a bubble of its own. What f panics with comes out of it.
func inBubble(t *testing.T, db store.Store, f func(w *world)) {
	var p any
	synctest.Test(t, func(t *testing.T) {
		defer func() { p = recover() }()
		w := newWorld(db)
		defer w.close()
		f(w)
	})
	if p != nil {
		panic(p)
	}
}

// verdict runs f as inBubble does and returns why it failed.
func verdict(t *testing.T, db store.Store, f func(w *world)) (why string) {
	defer func() {
		p := recover()
		if message, ok := p.(failed); ok {
			why = string(message)
		} else if p != nil {
			panic(p)
		}
	}()
	inBubble(t, db, f)
	return ""
}

const secretKey = "sk_test_payments"

func newSandbox() *sandbox.Sandbox {
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{secretKey}})
	if err != nil {
		panic(err)
	}
	return box
}

func newWorld(db store.Store) *world {
	w := &world{db: db, box: newSandbox(), told: map[paymentKey]*told{}, keys: map[string]bool{}, forged: map[string]bool{}}
	w.restart(0)
	return w
}

// close waits for what is still on its way at Stripe.
func (w *world) close() {
	w.turns.abandon()
	time.Sleep(time.Minute)
	if err := w.box.Close(); err != nil {
		panic(err)
	}
}

// restart puts a new process, whose clock is ahead by skew, in the place of the
// one that there was.
func (w *world) restart(skew time.Duration) *process {
	p := w.start(func(c *payments.Config) {
		c.Clock = func() time.Time { return time.Now().Add(skew) }
	})
	w.replace(p)
	return p
}

func (w *world) replace(p *process) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.process = p
}

func (w *world) running() *process {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.process
}

// revive puts a new process in the place of one that is gone, unless somebody
// has done so.
func (w *world) revive(p *process) {
	if w.running() == p {
		w.restart(0)
	}
}

// start returns a further process.
func (w *world) start(change func(*payments.Config)) *process {
	client, err := stripeclient.New(stripeclient.Config{SecretKey: secretKey, BaseURL: "http://stripe.localhost", Transport: transport{w}})
	if err != nil {
		panic(err)
	}
	c := payments.Config{Store: probedStore{w.db, w}, Stripe: client, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	s, err := payments.New(c)
	if err != nil {
		panic(err)
	}
	return &process{store: c.Store, service: s, reconciler: payments.NewReconciler(s, 0)}
}

type actorKey struct{}

// enter is the beginning of every call to the store or to Stripe. It returns
// what goes wrong with it, or nil.
func (w *world) enter(ctx context.Context, c call) *failure {
	if actor, ok := ctx.Value(actorKey{}).(int); ok && w.turns != nil {
		w.turns.wait(actor)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, c)
	if w.strike == nil {
		return nil
	}
	f := w.strike(c)
	if f != nil {
		w.faults++
	}
	return f
}

// requestTime is how long the server gives one request.
const requestTime = 30 * time.Second

// during runs do as the process does for one request. gone tells that the
// process ended amid it.
func (w *world) during(ctx context.Context, do func(context.Context) error) (gone bool, err error) {
	done := make(chan struct{})
	gone = true
	go func() {
		defer close(done)
		ctx, cancel := context.WithTimeout(ctx, requestTime)
		defer cancel()
		err = do(ctx)
		gone = false
	}()
	<-done
	return gone, err
}

// maxTries is how often a client sends one request.
const maxTries = 100

// persist sends a request until its answer is definite: no error, or one that a
// repetition does not fix. It starts another process when that is gone.
func (w *world) persist(ctx context.Context, what string, do func(context.Context, *process) error) error {
	for range maxTries {
		p := w.running()
		gone, err := w.during(ctx, func(ctx context.Context) error { return do(ctx, p) })
		switch {
		case gone:
			w.revive(p)
		case err == nil:
			return nil
		case !documented(err):
			w.breach("%s: the error is not documented: %v", what, err)
			return err
		case !retryAdvised(err):
			return err
		}
		if w.beforeRetry != nil {
			w.beforeRetry()
		}
		time.Sleep(retryAfter(err))
	}
	w.breach("%s: no definite answer in %d tries", what, maxTries)
	return errors.New("no definite answer")
}

// documented reports whether the error is one that the server has a problem for
// which is not "internal".
func documented(err error) bool {
	var declined *payments.DeclinedError
	var stripe *stripeclient.Error
	if errors.As(err, &declined) || errors.As(err, &stripe) {
		return true
	}
	for _, known := range []error{
		payments.ErrNotFound, payments.ErrCUIDMismatch, payments.ErrNotConfirmable, payments.ErrPaymentMethodUnusable,
		payments.ErrAuthenticationPending, payments.ErrOtherAccount, payments.ErrCustomerUnknown, store.ErrCustomerTaken, store.ErrUnavailable, store.ErrStale, errNoUser,
		context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// errNoUser is the server's answer to the token of a user who was deleted.
var errNoUser = errors.New("no such user")

// retryAdvised reports whether the client is advised to send the same request again.
// A key that Stripe refuses is an operator's matter, and mended by then.
func retryAdvised(err error) bool {
	var e *stripeclient.Error
	if errors.As(err, &e) {
		switch e.Kind {
		case stripeclient.KindUnknown, stripeclient.KindOverloaded, stripeclient.KindBusy, stripeclient.KindRefused:
			return true
		}
		return false
	}
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrStale) || errors.Is(err, context.DeadlineExceeded)
}

func retryAfter(err error) time.Duration {
	var e *stripeclient.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	return 2 * time.Second
}

// stripe calls Stripe as somebody else with access to the account would, and
// returns the id in the answer.
func (w *world) stripe(method, path string, form url.Values) string {
	for range 3 {
		req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(form.Encode()))
		req.Header.Set("Authorization", "Bearer "+secretKey)
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res := serve(w.box, req)
		body, err := io.ReadAll(res.Body)
		switch {
		case err == nil && res.StatusCode == http.StatusOK:
			_, rest, _ := strings.Cut(string(body), `"id": "`)
			id, _, _ := strings.Cut(rest, `"`)
			return id
		case err != nil || res.StatusCode != http.StatusTooManyRequests:
			w.fatalf("%s %s: status %d, %v: %s", method, path, res.StatusCode, err, body)
		}
		// A call that somebody gave up on still holds the object.
		time.Sleep(time.Minute)
	}
	w.fatalf("%s %s: the object stays locked", method, path)
	return ""
}

// turns lets several requests make their calls one at a time, in an order that
// pick decides: deterministic concurrency.
type turns struct {
	pick func(n int) int

	mu      sync.Mutex
	waiting map[int]chan struct{}
	over    bool
}

// wait is called before every call and returns when it is the actor's turn.
func (t *turns) wait(actor int) {
	t.mu.Lock()
	if t.over {
		t.mu.Unlock()
		runtime.Goexit()
	}
	ch := make(chan struct{})
	t.waiting[actor] = ch
	t.mu.Unlock()
	<-ch
	t.mu.Lock()
	over := t.over
	t.mu.Unlock()
	if over {
		runtime.Goexit()
	}
}

// abandon ends everybody who waits.
func (t *turns) abandon() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	for actor, ch := range t.waiting {
		close(ch)
		delete(t.waiting, actor)
	}
}

// together runs the requests at once, call by call in the order that pick
// decides.
func (w *world) together(pick func(n int) int, requests ...func(ctx context.Context)) {
	t := &turns{pick: pick, waiting: map[int]chan struct{}{}}
	w.turns = t
	var group sync.WaitGroup
	var left sync.Map
	for i, request := range requests {
		left.Store(i, true)
		group.Go(func() {
			defer left.Delete(i)
			request(context.WithValue(context.Background(), actorKey{}, i))
		})
	}
	for {
		synctest.Wait()
		running := false
		left.Range(func(_, _ any) bool { running = true; return false })
		if !running {
			break
		}
		if !t.next(len(requests)) {
			// All are in a pause or wait for an answer. So long that an attempt
			// of stripeclient and the pause after it, which is random, are over.
			time.Sleep(15 * time.Second)
		}
	}
	group.Wait()
	w.turns = nil
}

// next gives one of those who wait their turn, or returns false if there is none.
func (t *turns) next(actors int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ready []int
	for i := range actors {
		if t.waiting[i] != nil {
			ready = append(ready, i)
		}
	}
	if len(ready) == 0 {
		return false
	}
	actor := ready[0]
	if len(ready) > 1 {
		actor = ready[t.pick(len(ready))]
	}
	close(t.waiting[actor])
	delete(t.waiting, actor)
	return true
}
