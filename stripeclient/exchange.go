package stripeclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/stripe/stripe-go/v76"
)

// maxAnswer is the largest answer that is read, in bytes. It fits the largest
// single object: an object has up to 50 metadata entries of 40 and 500 characters,
// each character up to 12 bytes of JSON (two \u escapes), which is 324,000 bytes,
// and an event of an old API version holds the metadata of an intent and of its 10
// charges, and twice more what they were before: some 4 MB. A page of ordinary
// intents is a third of a megabyte; a page that does not fit is asked for in parts.
// Source: https://docs.stripe.com/metadata#data
const maxAnswer = 8 << 20

var (
	errRedirect   = errors.New("answered with a redirect")
	errTooLarge   = errors.New("answer is too large")
	errUnreadable = errors.New("answer is not what the API promises")
)

// exchange is one attempt: the transport under stripe-go. It reads the whole
// answer within its limit and keeps the status and the headers, which
// stripe-go drops for answers that it cannot decode, and the transport's own
// error, which stripe-go does not tell from such an answer.
type exchange struct {
	next   http.RoundTripper
	status int
	header http.Header
	err    error
}

// backend returns a stripe-go backend that uses the exchange and leaves no
// trace: it logs nothing (its log lines hold bodies), repeats nothing (its
// pause ignores the context) and sends no telemetry.
func (x *exchange) backend(baseURL string) stripe.Backend {
	return stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		EnableTelemetry:   stripe.Bool(false),
		HTTPClient:        &http.Client{Transport: x},
		LeveledLogger:     &stripe.LeveledLogger{Level: stripe.LevelNull},
		MaxNetworkRetries: stripe.Int64(0),
		URL:               &baseURL,
	})
}

// RoundTrip implements http.RoundTripper.
func (x *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := x.next.RoundTrip(req)
	if err != nil {
		x.err = err
		return nil, err
	}
	defer res.Body.Close()
	x.status, x.header = res.StatusCode, res.Header
	body, err := readAnswer(res)
	if err != nil {
		x.err = err
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	return res, nil
}

// readAnswer refuses redirects, which stripe-go would take for success.
func readAnswer(res *http.Response) ([]byte, error) {
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return nil, errRedirect
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errTooLarge
	}
	return body, nil
}

// replayed reports whether Stripe marked the answer as a saved one.
func (x *exchange) replayed() bool {
	return x.header.Get("Idempotent-Replayed") == "true"
}

func (x *exchange) requestID() string {
	return token(x.header.Get("Request-Id"))
}

// params are the parameters that every write and read has. Reads have no key.
func params(ctx context.Context, key string) stripe.Params {
	p := stripe.Params{Context: ctx}
	if key != "" {
		p.IdempotencyKey = &key
	}
	return p
}
