package stripeclient

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// Config configures a Client. Only SecretKey is required.
type Config struct {
	// SecretKey is a secret (sk_) or restricted (rk_) API key.
	SecretKey string
	// BaseURL is where Stripe is, such as "http://127.0.0.1:12111" for the
	// sandbox. Empty: Stripe itself. A live key goes only to https.
	BaseURL string
	// Timeout bounds one HTTP attempt, its answer included. Default 10 s.
	Timeout time.Duration
	// MaxAttempts is how often one call is sent at most. Default 3.
	MaxAttempts int
	// RatePerSecond is how many requests we allow ourselves: Stripe's default
	// is 25/s per endpoint. Default 20.
	// Source: https://docs.stripe.com/rate-limits
	RatePerSecond float64
	// Burst is how many requests may go out at once after a quiet time.
	// Default: one second's worth.
	Burst int
	// MaxInFlight is how many requests may be under way. Default 32.
	MaxInFlight int
	// BreakerFailures is after how many attempts in a row with an unknown
	// outcome no request is sent for BreakerCooldown; then a single one tests
	// whether Stripe is back. Payers and the background count apart. Defaults 5
	// and 10 s.
	BreakerFailures int
	BreakerCooldown time.Duration
	// Transport sends the requests. Default: HTTP/1.1 with keep-alive.
	Transport http.RoundTripper
	// Observe, if set, is told of every call that was not refused for its
	// arguments, after its end, with the call's context. It must not block.
	Observe func(context.Context, Call)
}

// Call is one finished call, for metrics.
type Call struct {
	// Op is the call, such as "confirm intent".
	Op string
	// Outcome is "ok" or the Kind of the error.
	Outcome string
	// Duration is from start to end, waits and further attempts included.
	Duration time.Duration
	// Attempts is how many HTTP requests were sent; 0 if the limits or the
	// breaker let none through.
	Attempts int
	// RequestID is Stripe's for the last attempt; may be empty.
	RequestID string
	// PayerBreaker and BackgroundBreaker are the states of the two circuit
	// breakers after the call: closed, half-open or open.
	PayerBreaker, BackgroundBreaker string
}

// Client calls Stripe. It is safe for concurrent use and shares nothing with
// other clients.
type Client struct {
	key       string
	baseURL   string
	timeout   time.Duration
	attempts  int
	transport http.RoundTripper
	limits    *limits
	observe   func(context.Context, Call)
}

// New returns a client, or all faults of the configuration together.
func New(cfg Config) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = stripe.APIURL
	}
	setDefault(&cfg.Timeout, 10*time.Second)
	setDefault(&cfg.MaxAttempts, 3)
	setDefault(&cfg.RatePerSecond, 20)
	setDefault(&cfg.Burst, max(1, int(cfg.RatePerSecond)))
	setDefault(&cfg.MaxInFlight, 32)
	setDefault(&cfg.BreakerFailures, 5)
	setDefault(&cfg.BreakerCooldown, 10*time.Second)
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("stripeclient: %w", err)
	}
	if cfg.Transport == nil {
		cfg.Transport = newTransport(cfg.MaxInFlight)
	}
	return &Client{
		key:       cfg.SecretKey,
		baseURL:   cfg.BaseURL,
		timeout:   cfg.Timeout,
		attempts:  cfg.MaxAttempts,
		transport: cfg.Transport,
		limits:    newLimits(cfg),
		observe:   cfg.Observe,
	}, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

var (
	secretKeyShape = regexp.MustCompile(`^[sr]k_[A-Za-z0-9_]+$`)
	liveKeyShape   = regexp.MustCompile(`^[sr]k_live_`)
)

// ErrLiveKeyOverHTTP: a live key must not be sent in plain text.
var ErrLiveKeyOverHTTP = errors.New("BaseURL must be https for a live key")

// validate reports every fault and quotes no value: any may hold a secret.
func (cfg Config) validate() error {
	var faults []error
	check := func(ok bool, fault string) {
		if !ok {
			faults = append(faults, errors.New(fault))
		}
	}
	check(secretKeyShape.MatchString(cfg.SecretKey), "SecretKey is not a Stripe secret key (sk_… or rk_…)")
	u, err := url.Parse(cfg.BaseURL)
	isURL := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		u.User == nil && strings.Trim(u.Path, "/") == "" && u.RawQuery == "" && u.Fragment == ""
	check(isURL, "BaseURL is not an http or https URL of a host alone")
	if isURL && u.Scheme != "https" && liveKeyShape.MatchString(cfg.SecretKey) {
		faults = append(faults, ErrLiveKeyOverHTTP)
	}
	check(cfg.Timeout > 0, "Timeout is negative")
	check(cfg.MaxAttempts > 0, "MaxAttempts is negative")
	check(cfg.RatePerSecond > 0, "RatePerSecond is negative")
	check(cfg.Burst > 0, "Burst is negative")
	check(cfg.MaxInFlight > 0, "MaxInFlight is negative")
	check(cfg.BreakerFailures > 0 && cfg.BreakerFailures <= 1_000_000, "BreakerFailures is not 1 to 1000000")
	check(cfg.BreakerCooldown > 0, "BreakerCooldown is negative")
	return errors.Join(faults...)
}

// newTransport keeps one connection per request that may be under way. It
// speaks HTTP/1.1: over HTTP/2 all requests share one connection, and when
// that hangs they all time out.
func newTransport(maxInFlight int) *http.Transport {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		MaxIdleConnsPerHost:    maxInFlight,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		Protocols:              new(http.Protocols),
	}
	t.Protocols.SetHTTP1(true)
	return t
}
