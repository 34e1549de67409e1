package sandbox

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// APIVersion is the only version of Stripe's API that is emulated.
const APIVersion = "2023-10-16"

// testKeyPrefix begins every key that a Sandbox accepts.
const testKeyPrefix = "sk_test_"

// Config configures a Sandbox. The zero value works: everything in memory, a
// random key, no webhooks.
type Config struct {
	// SecretKeys are the keys that are accepted, all of one account. Default:
	// one random key, which SecretKey returns. It is made when the state is new
	// and kept with it, so an account that is in memory only has another one
	// each time.
	SecretKeys []string
	// StatePath is the file that keeps the state. One sandbox per file: a
	// second one takes it over, and the first one's later changes are lost.
	// Default "": in memory only.
	StatePath string
	// WebhookURL is where events are sent. Default "": nowhere.
	WebhookURL string
	// WebhookSecret signs them. Required when WebhookURL is set.
	WebhookSecret string
	// WebhookRetryWaits are the waits before the second and later tries of a
	// webhook; the last one repeats until the receiver answers 2xx.
	// Default 1s, 5s, 30s, 2m, 10m, 1h.
	WebhookRetryWaits []time.Duration
	// LockWait is how long a write waits for another on the same object before
	// it is refused with lock_timeout. Default 2s.
	LockWait time.Duration
	// ConfirmLimit is how often an intent can be confirmed: the next
	// confirmation cancels it. Default 0: without a limit.
	ConfirmLimit int
	// Seed makes faults with a probability repeatable. Default 0.
	Seed uint64
	// Clock gives the time of created, of signatures and of the expiry of
	// idempotency keys. Waits are in real time. Default time.Now.
	Clock func() time.Time
	// Logger takes one debug record per request and a warning for everything
	// that is asked for and not emulated; never a body, a key or a secret.
	// Default: none.
	Logger *slog.Logger
}

// Sandbox is a Stripe account in a box: an http.Handler that answers as Stripe
// does. It is safe for concurrent use.
type Sandbox struct {
	keys     []string
	clock    func() time.Time
	log      *slog.Logger
	lockWait time.Duration
	// confirmLimit is Config.ConfirmLimit.
	confirmLimit int

	locks   objectLocks
	faults  faultList
	outbox  *outbox
	inside  http.Handler // everything under /_sandbox/
	history history
	feed    feed

	// mu guards state, inFlight and requests. A call's work runs under it from
	// beginning to end, so that it sees and leaves the state whole.
	mu       sync.Mutex
	state    *state
	inFlight map[string]bool // idempotency keys of calls under way
	requests map[string]int  // calls by route

	// closing is closed to end the waits of delayed calls.
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// New opens the state and begins to send the webhooks that are still owed. It
// reports everything that is wrong with the configuration at once.
func New(cfg Config) (*Sandbox, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	cfg.setDefaults()
	state, err := openState(cfg.StatePath, cfg.Clock())
	if err != nil {
		return nil, fmt.Errorf("sandbox: open state: %w", err)
	}
	if len(cfg.SecretKeys) == 0 {
		key, err := state.secretKey()
		if err != nil {
			return nil, fmt.Errorf("sandbox: keep the secret key: %w", errors.Join(err, state.journal.close()))
		}
		cfg.SecretKeys = []string{key}
	}
	s := &Sandbox{
		keys:     slices.Clone(cfg.SecretKeys),
		clock:    cfg.Clock,
		log:      cfg.Logger,
		lockWait: cfg.LockWait, confirmLimit: cfg.ConfirmLimit,
		faults:   faultList{random: rand.New(rand.NewPCG(cfg.Seed, 0))}, // #nosec G404 -- faults are to be repeatable
		state:    state,
		inFlight: map[string]bool{},
		requests: map[string]int{},
		closing:  make(chan struct{}),
	}
	s.inside = s.dashboard(s.controlAPI())
	if cfg.WebhookURL != "" {
		s.outbox = newOutbox(s, cfg.WebhookURL, cfg.WebhookSecret, cfg.WebhookRetryWaits)
		s.outbox.start(state.owed())
	}
	return s, nil
}

func (cfg *Config) validate() error {
	var errs []error
	for _, key := range cfg.SecretKeys {
		if !strings.HasPrefix(key, testKeyPrefix) {
			errs = append(errs, errors.New("a secret key does not begin with sk_test_"))
		}
	}
	if cfg.WebhookURL != "" {
		u, err := url.Parse(cfg.WebhookURL)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
			errs = append(errs, errors.New("the webhook URL is not an absolute http or https URL"))
		}
		if cfg.WebhookSecret == "" {
			errs = append(errs, errors.New("a webhook URL needs a webhook secret"))
		}
	}
	if cfg.ConfirmLimit < 0 {
		errs = append(errs, errors.New("the confirm limit is negative"))
	}
	if cfg.LockWait < 0 {
		errs = append(errs, errors.New("the lock wait is negative"))
	}
	for _, wait := range cfg.WebhookRetryWaits {
		if wait <= 0 {
			errs = append(errs, errors.New("a webhook retry wait is not positive"))
		}
	}
	return errors.Join(errs...)
}

func (cfg *Config) setDefaults() {
	if len(cfg.WebhookRetryWaits) == 0 {
		cfg.WebhookRetryWaits = []time.Duration{
			time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour,
		}
	}
	if cfg.LockWait == 0 {
		cfg.LockWait = 2 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
}

// SecretKey returns a key that the sandbox accepts: the first of
// Config.SecretKeys, or else the random one of the account.
func (s *Sandbox) SecretKey() string { return s.keys[0] }

// ServeHTTP answers Stripe's API under /v1/, and the dashboard and the control
// API under /_sandbox/. It redirects a browser from / to the dashboard. Requests
// that LoopbackOnly refuses are refused.
func (s *Sandbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	err := checkLoopback(r)
	switch {
	case err != nil && strings.HasPrefix(r.URL.Path, "/v1/"):
		refuseForeignCall(w, err)
	case err != nil:
		writeControl(w, http.StatusForbidden, object{"error": err.Error()})
	case strings.HasPrefix(r.URL.Path, controlPrefix):
		s.inside.ServeHTTP(w, r)
	case pageFor(r) != "":
		http.Redirect(w, r, pageFor(r), http.StatusSeeOther)
	default:
		s.serveAPI(w, r)
	}
}

// Close stops the webhooks, those under way included, and closes the state
// file. What is still owed is sent after the next New. Calls that come later
// fail with 500. Calling it twice is harmless.
func (s *Sandbox) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		if s.outbox != nil {
			s.outbox.close()
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err := s.state.journal.close(); err != nil {
			s.closeErr = fmt.Errorf("sandbox: close state: %w", err)
		}
	})
	return s.closeErr
}

// now is the sandbox's time in unix seconds, as Stripe gives all times.
func (s *Sandbox) now() int64 { return s.clock().Unix() }
