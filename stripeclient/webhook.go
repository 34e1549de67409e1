package stripeclient

import (
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

// The errors of webhooks; test with errors.Is. Their texts hold nothing
// of the header, the body or a secret.
var (
	// ErrSignature: the body is not from Stripe, not for us, changed, too old
	// or from the future.
	ErrSignature = errors.New("webhook signature is not valid")
	// ErrPayload: the body did not arrive whole. Verify does not return it.
	ErrPayload = errors.New("webhook body is not an event")
)

// WebhookConfig configures a Webhook. Only Secrets is required.
type WebhookConfig struct {
	// Secrets are the signing secrets (whsec_…) of the endpoint. While one is
	// being rolled there are two; a body signed with any of them is taken.
	Secrets []string
	// Tolerance is how far the time of signing may be from now, in the past
	// and in the future. Default 300 s. Negative is a fault.
	Tolerance time.Duration
	// Clock is the time now. Default time.Now.
	Clock func() time.Time
}

// webhookSecretShape allows base64 behind the prefix.
var webhookSecretShape = regexp.MustCompile(`^whsec_[A-Za-z0-9_+/=-]+$`)

// Webhook checks that events come from Stripe. It is safe for concurrent use.
// Source: https://docs.stripe.com/webhooks#verify-manually
type Webhook struct {
	secrets   []string
	tolerance time.Duration
	clock     func() time.Time
}

// NewWebhook returns a Webhook, or all faults of the configuration together.
func NewWebhook(cfg WebhookConfig) (*Webhook, error) {
	setDefault(&cfg.Tolerance, webhook.DefaultTolerance)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	var faults []error
	if len(cfg.Secrets) == 0 {
		faults = append(faults, errors.New("no secret"))
	}
	for i, s := range cfg.Secrets {
		if !webhookSecretShape.MatchString(s) {
			faults = append(faults, fmt.Errorf("secret %d is not a webhook signing secret (whsec_…)", i+1))
		}
	}
	if cfg.Tolerance < 0 {
		faults = append(faults, errors.New("negative tolerance"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("stripeclient: webhook: %w", err)
	}
	return &Webhook{
		secrets:   append([]string(nil), cfg.Secrets...),
		tolerance: cfg.Tolerance,
		clock:     cfg.Clock,
	}, nil
}

// CheckHeader checks what the header Stripe-Signature shows without the body: its
// form and the time of signing. It saves reading a body that Verify would refuse.
// ErrSignature.
func (w *Webhook) CheckHeader(header string) error {
	_, err := w.timely(header)
	return err
}

// timely reads the header and checks the time of signing.
func (w *Webhook) timely(header string) (signature, error) {
	s, err := parseSignature(header)
	if err != nil {
		return s, err
	}
	// stripe-go checks the past only: a body signed by a clock that runs
	// ahead would be good for as long as that clock is ahead.
	if age := w.clock().Sub(s.at); age > w.tolerance || age < -w.tolerance {
		return s, fmt.Errorf("%w: signed too long ago or in the future", ErrSignature)
	}
	return s, nil
}

// Verify checks the body, byte for byte as it came, against the header
// Stripe-Signature and reads the event in it. Whatever Stripe signs is accepted,
// since Stripe disables an endpoint that refuses its events: an event of any
// version and kind has in it what could be read, and one of no use has no type or
// no ObjectID. ErrSignature.
func (w *Webhook) Verify(payload []byte, header string) (*Event, error) {
	s, err := w.timely(header)
	if err != nil {
		return nil, err
	}
	if !w.signed(s, payload) {
		return nil, fmt.Errorf("%w: no secret fits", ErrSignature)
	}
	e, _ := parseEvent(payload)
	return &e, nil
}

// signed reports whether any signature fits any secret.
func (w *Webhook) signed(s signature, payload []byte) bool {
	for _, secret := range w.secrets {
		want := webhook.ComputeSignature(s.at, payload, secret)
		for _, got := range s.macs {
			if hmac.Equal(got, want) {
				return true
			}
		}
	}
	return false
}

// signature is a Stripe-Signature header: the time of signing and its HMACs of
// the scheme v1.
type signature struct {
	at   time.Time
	macs [][]byte
}

// maxMACs bounds the work that a header can cause. Stripe sends one for each
// secret that is live.
const maxMACs = 8

// parseSignature reads t=SECONDS,v1=HEX,… and ignores other schemes: v0 is a
// test signature.
func parseSignature(header string) (s signature, err error) {
	if header == "" {
		return s, fmt.Errorf("%w: no header", ErrSignature)
	}
	malformed := fmt.Errorf("%w: malformed header", ErrSignature)
	for pair := range strings.SplitSeq(header, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			return s, malformed
		}
		switch name {
		case "t":
			seconds, err := strconv.ParseUint(value, 10, 40)
			if err != nil {
				return s, malformed
			}
			s.at = time.Unix(int64(seconds), 0)
		case "v1":
			mac, err := hex.DecodeString(value)
			if err != nil || len(s.macs) == maxMACs {
				return s, malformed
			}
			s.macs = append(s.macs, mac)
		}
	}
	if s.at.IsZero() || len(s.macs) == 0 {
		return s, fmt.Errorf("%w: no time or no v1 signature in the header", ErrSignature)
	}
	return s, nil
}
