package sandbox

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// Faults of the API.
const (
	// FaultLostReply executes the call and cuts the connection amid the answer.
	FaultLostReply FaultKind = "lost_reply"
	// FaultErrorBefore answers 500 and executes nothing.
	FaultErrorBefore FaultKind = "error_before"
	// FaultErrorAfter executes the call and answers 500. Both 500s are saved
	// under the idempotency key and replayed, as Stripe's are.
	FaultErrorAfter FaultKind = "error_after"
	// FaultRateLimit answers 429 rate_limit and executes nothing.
	FaultRateLimit FaultKind = "rate_limit"
	// FaultLockTimeout answers 429 lock_timeout and executes nothing.
	FaultLockTimeout FaultKind = "lock_timeout"
	// FaultKeyInUse answers 409 idempotency_key_in_use and executes nothing.
	FaultKeyInUse FaultKind = "key_in_use"
	// FaultUnauthorized answers 401 and executes nothing.
	FaultUnauthorized FaultKind = "unauthorized"
	// FaultDelay executes the call after Delay, whether or not the caller
	// still waits. Meanwhile its idempotency key and its object are in use.
	FaultDelay FaultKind = "delay"
	// FaultHTML502 answers 502 with a page of HTML, as a proxy would, and
	// executes nothing.
	FaultHTML502 FaultKind = "html_502"
	// FaultTruncated executes the call and sends the first half of the body as
	// if it were all of it.
	FaultTruncated FaultKind = "truncated"
	// FaultCutBody executes the call, sends all headers and the first half of
	// the body, and cuts the connection.
	FaultCutBody FaultKind = "cut_body"
)

// Faults of the webhooks.
const (
	// FaultWebhookDuplicate sends the event twice.
	FaultWebhookDuplicate FaultKind = "webhook_duplicate"
	// FaultWebhookDelay sends it after Delay.
	FaultWebhookDelay FaultKind = "webhook_delay"
	// FaultWebhookReorder holds it back until another event was sent, or for
	// Delay (5s when zero) if there is none.
	FaultWebhookReorder FaultKind = "webhook_reorder"
	// FaultWebhookDrop never sends it.
	FaultWebhookDrop FaultKind = "webhook_drop"
	// FaultWebhookWrongSecret signs one try with another secret.
	FaultWebhookWrongSecret FaultKind = "webhook_wrong_secret" // #nosec G101 -- a name
	// FaultWebhookOldTimestamp signs one try as of an hour ago.
	FaultWebhookOldTimestamp FaultKind = "webhook_old_timestamp"
)

var (
	apiFaults = []FaultKind{FaultLostReply, FaultErrorBefore, FaultErrorAfter, FaultRateLimit, FaultLockTimeout,
		FaultKeyInUse, FaultUnauthorized, FaultDelay, FaultHTML502, FaultTruncated, FaultCutBody, FaultEmailInvalid,
		FaultAmountTooSmall, FaultIntentRateLimit, FaultTestmodeOnly, FaultAccountClosed, FaultCountryUnsupported, FaultKeyExpired}
	webhookFaults = []FaultKind{FaultWebhookDuplicate, FaultWebhookDelay, FaultWebhookReorder, FaultWebhookDrop,
		FaultWebhookWrongSecret, FaultWebhookOldTimestamp}
)

// Fault is something that goes wrong on purpose. Of several that match one
// call, every delay counts and of the others the first; the rest stay.
type Fault struct {
	// Match is a pattern as path.Match has it: for the API of method and path,
	// such as "POST /v1/payment_intents/*/confirm"; for webhooks of the event's
	// type, such as "payment_intent.*".
	Match string
	Kind  FaultKind
	// Times is how often it strikes before it is gone. Default 1, or without
	// end if Probability is set.
	Times int
	// Probability of striking a call that matches, 0 to 1. Default 1.
	Probability float64
	// Delay is for the kinds that wait.
	Delay time.Duration
}

func (f Fault) validate() error {
	var errs []error
	if _, err := path.Match(f.Match, ""); err != nil || f.Match == "" {
		errs = append(errs, errors.New("match is empty or malformed"))
	}
	switch {
	case slices.Contains(webhookFaults, f.Kind):
	case !slices.Contains(apiFaults, f.Kind):
		errs = append(errs, fmt.Errorf("kind %q is unknown", f.Kind))
	case !strings.Contains(f.Match, " /"):
		errs = append(errs, errors.New(`match is not of the form "METHOD /path"`))
	}
	if f.Times < 0 {
		errs = append(errs, errors.New("times is negative"))
	}
	if f.Probability < 0 || f.Probability > 1 {
		errs = append(errs, errors.New("probability is not between 0 and 1"))
	}
	if f.Delay < 0 || (f.Delay == 0 && (f.Kind == FaultDelay || f.Kind == FaultWebhookDelay)) {
		errs = append(errs, errors.New("delay is not positive"))
	}
	return errors.Join(errs...)
}

// AddFault arms a fault. It reports everything that is wrong with it at once.
func (s *Sandbox) AddFault(f Fault) error {
	if err := f.validate(); err != nil {
		return fmt.Errorf("sandbox: fault: %w", err)
	}
	if f.Times == 0 && f.Probability == 0 {
		f.Times = 1
	}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.last++
	s.faults.armed = append(s.faults.armed, armedFault{Fault: f, number: s.faults.last})
	s.feed.notify()
	return nil
}

// Faults returns those that are still armed.
func (s *Sandbox) Faults() []Fault {
	var faults []Fault
	for _, f := range s.faults.all() {
		faults = append(faults, f.Fault)
	}
	return faults
}

// ClearFaults disarms all.
func (s *Sandbox) ClearFaults() {
	s.disarm(func(armedFault) bool { return true })
}

// disarm takes away the faults that gone accepts.
func (s *Sandbox) disarm(gone func(armedFault) bool) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.armed = slices.DeleteFunc(s.faults.armed, gone)
	s.feed.notify()
}

// armedFault is a Fault with the number that tells it from its equals.
type armedFault struct {
	Fault
	number int
	// struck is how often it has struck.
	struck int
}

type faultList struct {
	mu     sync.Mutex
	armed  []armedFault
	last   int // the number that was given last
	random *rand.Rand
}

func (l *faultList) all() []armedFault {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.armed)
}

// strike is what happens to one call: a delay, a fault, both or neither.
type strike struct {
	kind  FaultKind // "" for none
	delay time.Duration
}

// strike picks the faults of the given kinds for subject and uses them up.
func (l *faultList) strike(subject string, kinds []FaultKind) strike {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out strike
	kept := make([]armedFault, 0, len(l.armed))
	for _, f := range l.armed {
		matches, _ := path.Match(f.Match, subject)
		isDelay := f.Kind == FaultDelay
		if !matches || !slices.Contains(kinds, f.Kind) || (!isDelay && out.kind != "") ||
			(f.Probability > 0 && l.random.Float64() >= f.Probability) {
			kept = append(kept, f)
			continue
		}
		out.delay += f.Delay
		if !isDelay {
			out.kind = f.Kind
		}
		f.struck++
		if f.Times != 1 {
			f.Times = max(0, f.Times-1)
			kept = append(kept, f)
		}
	}
	l.armed = kept
	return out
}

// refusal is the error of a fault that strikes before Stripe's idempotency
// layer, and is therefore not saved.
func (st strike) refusal(c *call) *apiError {
	switch st.kind {
	case FaultRateLimit:
		return rateLimited()
	case FaultLockTimeout:
		return lockTimeout()
	case FaultKeyInUse:
		return keyInUse(c.key)
	case FaultUnauthorized:
		return invalidKey(c.apiKey)
	}
	return st.kind.codedRefusal()
}

// send writes the answer, or what the fault leaves of it.
func send(w http.ResponseWriter, out answer, fault FaultKind) {
	switch fault {
	case FaultLostReply:
		cut(w)
		return
	case FaultTruncated:
		out.body = out.body[:len(out.body)/2]
	case FaultCutBody:
		// net/http closes the connection after a body that is shorter than said.
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		out.body = out.body[:len(out.body)/2]
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // a caller that has gone needs no answer
}

// cut ends the connection amid the header. Without those first bytes Go's
// transport would take the connection for an idle one that was closed, and
// quietly send a request with an Idempotency-Key again.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: appl"))
	_ = conn.Close()
}
