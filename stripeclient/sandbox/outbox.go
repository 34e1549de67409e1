package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	// webhookTimeout is how long a receiver may take.
	webhookTimeout = 10 * time.Second
	// webhooksAtOnce is how many are under way at a time.
	webhooksAtOnce = 8
	// reorderWait is how long a webhook is held back for another one at most.
	reorderWait = 5 * time.Second
	// oldTimestamp is beyond every receiver's tolerance, Stripe's being 300 s.
	oldTimestamp = time.Hour
)

// outbox sends webhooks. It never makes the API wait. What is owed is in the
// state; the outbox knows only when to try.
type outbox struct {
	sandbox *Sandbox
	url     string
	secret  string
	waits   []time.Duration
	client  *http.Client
	stop    context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	ready []attempt // to be sent now, in order
	held  []attempt // to be sent after the next one
	wake  chan struct{}
}

// attempt is one try to deliver an event.
type attempt struct {
	event string
	tries int
	// struck is set once the faults have had their say.
	struck bool
}

func newOutbox(s *Sandbox, url, secret string, waits []time.Duration) *outbox {
	return &outbox{sandbox: s, url: url, secret: secret, waits: waits, wake: make(chan struct{}, 1),
		client: &http.Client{
			Timeout: webhookTimeout,
			// A redirection is a failure, as Stripe has it.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
}

func (o *outbox) start(owed []string) {
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	o.push(owed...)
	o.running.Go(func() { o.run(ctx) })
}

// close stops everything, and returns when it has stopped.
func (o *outbox) close() {
	o.stop()
	o.running.Wait()
	o.client.CloseIdleConnections()
}

// push queues first tries.
func (o *outbox) push(events ...string) {
	for _, id := range events {
		o.queue(attempt{event: id})
	}
}

func (o *outbox) queue(a attempt) {
	o.mu.Lock()
	o.ready = append(o.ready, a)
	o.mu.Unlock()
	o.signal()
}

func (o *outbox) signal() {
	select {
	case o.wake <- struct{}{}:
	default: // it is awake
	}
}

func (o *outbox) next() (attempt, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ready) == 0 {
		return attempt{}, false
	}
	a := o.ready[0]
	o.ready = o.ready[1:]
	return a, true
}

func (o *outbox) run(ctx context.Context) {
	slots := make(chan struct{}, webhooksAtOnce)
	for {
		a, ok := o.next()
		if !ok {
			select {
			case <-o.wake:
				continue
			case <-ctx.Done():
				return
			}
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		o.running.Go(func() {
			defer func() { <-slots }()
			o.deliver(ctx, a)
		})
	}
}

// later queues the attempt after d.
func (o *outbox) later(ctx context.Context, a attempt, d time.Duration) {
	o.running.Go(func() {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			o.queue(a)
		case <-ctx.Done():
		}
	})
}

// deliver makes one try, with whatever fault is armed for the event's type.
func (o *outbox) deliver(ctx context.Context, a attempt) {
	s := o.sandbox
	s.mu.Lock()
	event, _ := s.state.events.get(a.event)
	body := compact(s.state.renderEvent(event))
	_, owed := s.state.deliveries.get(a.event)
	s.mu.Unlock()
	if !owed {
		return // another try was faster
	}
	var fault strike
	if !a.struck {
		a.struck = true
		fault = s.faults.strike(event.Type, webhookFaults)
	}
	secret, at := o.secret, s.clock()
	switch fault.kind {
	case FaultWebhookDrop:
		s.history.addTry(a.event, seenTry{at: at, fault: fault.kind})
		o.settle(a.event, true)
		return
	case FaultWebhookDelay:
		o.noteTry(a.event, seenTry{at: at, fault: fault.kind})
		o.later(ctx, a, fault.delay)
		return
	case FaultWebhookReorder:
		o.noteTry(a.event, seenTry{at: at, fault: fault.kind})
		o.hold(ctx, a, fault.delay)
		return
	case FaultWebhookWrongSecret:
		secret = "whsec_" + random(32)
	case FaultWebhookOldTimestamp:
		at = at.Add(-oldTimestamp)
	}
	send := func() bool {
		try := o.post(ctx, body, secret, at)
		try.fault = fault.kind
		o.noteTry(a.event, try)
		return try.ok()
	}
	ok := send()
	if ok && fault.kind == FaultWebhookDuplicate {
		ok = send()
	}
	if ok {
		o.settle(a.event, false)
	} else {
		wait := o.waits[min(a.tries, len(o.waits)-1)]
		o.later(ctx, attempt{event: a.event, tries: a.tries + 1}, wait)
	}
	o.releaseHeld()
}

// noteTry remembers a try for the dashboard.
func (o *outbox) noteTry(event string, try seenTry) {
	o.sandbox.history.addTry(event, try)
	o.sandbox.feed.notify()
}

// hold keeps the attempt until another one was made.
func (o *outbox) hold(ctx context.Context, a attempt, limit time.Duration) {
	if limit == 0 {
		limit = reorderWait
	}
	o.mu.Lock()
	o.held = append(o.held, a)
	o.mu.Unlock()
	o.running.Go(func() {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-timer.C:
			o.mu.Lock()
			i := slices.Index(o.held, a)
			if i >= 0 {
				o.held = slices.Delete(o.held, i, i+1)
				o.ready = append(o.ready, a)
			}
			o.mu.Unlock()
			o.signal()
		case <-ctx.Done():
		}
	})
}

func (o *outbox) releaseHeld() {
	o.mu.Lock()
	o.ready = append(o.ready, o.held...)
	o.held = nil
	o.mu.Unlock()
	o.signal()
}

// settle notes that the event was delivered, or was dropped.
func (o *outbox) settle(event string, dropped bool) {
	s := o.sandbox
	s.mu.Lock()
	defer s.mu.Unlock()
	if dropped {
		s.state.deliveries.put(event, delivery{Event: event, Dropped: true})
	} else {
		s.state.deliveries.remove(event)
	}
	if err := s.state.commit(); err != nil {
		// The event is sent again after the next start: harmless.
		s.log.Error("delivery not written", slog.Any("error", err))
	}
	s.feed.notify()
}

// post sends a signed event and tells what came of it.
func (o *outbox) post(ctx context.Context, body []byte, secret string, at time.Time) seenTry {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		panic("sandbox: webhook URL was checked in New: " + err.Error())
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
	request.Header.Set("Stripe-Signature", sign(body, secret, at))
	try := seenTry{at: o.sandbox.clock()}
	began := time.Now()
	response, err := o.client.Do(request)
	try.took = time.Since(began)
	if err != nil {
		o.sandbox.log.Debug("webhook not delivered")
		try.problem = "no connection"
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			try.problem = "no answer in time"
		}
		return try
	}
	defer response.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(response.Body, maxBody)) // lets the connection be used again
	o.sandbox.log.Debug("webhook", slog.Int("status", response.StatusCode))
	try.status = response.StatusCode
	if !try.ok() {
		try.answer = shortened(string(answer))
	}
	return try
}

// sign makes the Stripe-Signature header.
// Source: https://docs.stripe.com/webhooks#verify-manually
func sign(body []byte, secret string, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(t + "."))
	mac.Write(body)
	return fmt.Sprintf("t=%s,v1=%s", t, hex.EncodeToString(mac.Sum(nil)))
}
