package sandbox

import (
	"io"
	"net/http"
	"regexp"
)

// How much is kept of requests and responses, in bytes.
const (
	// paramsKept is for the query and the body of one request, each.
	paramsKept = 16 << 10
	// answerKept is for the body of one answer.
	answerKept = 64 << 10
	// exchangesKept is for all calls together.
	exchangesKept = 16 << 20
)

// The headers that are kept: those that change what Stripe does with a request,
// and those that a client acts on.
var (
	sentHeaders     = []string{"Idempotency-Key", "Stripe-Version", "Stripe-Account", "Content-Type", "User-Agent"}
	receivedHeaders = []string{"Request-Id", "Idempotency-Key", "Original-Request", "Idempotent-Replayed",
		"Stripe-Should-Retry", "Stripe-Rate-Limited-Reason", "Stripe-Version", "Content-Type"}
)

// exchange is what a caller sent, and the response, even if a fault keeps the
// caller from receiving it. It does not change once it is in the history.
type exchange struct {
	// sent and received hold the headers above, and the masked Authorization.
	sent, received http.Header
	// query and form are as they were sent. form is empty if the call was refused
	// before its body was read.
	query, form, answer excerpt
}

// size is the approximate size of the exchange, in bytes.
func (e *exchange) size() int {
	if e == nil {
		return 0
	}
	size := len(e.query.text) + len(e.form.text) + len(e.answer.text)
	for _, header := range []http.Header{e.sent, e.received} {
		for name, values := range header {
			size += len(name) + len(values[0])
		}
	}
	return size
}

// excerpt is the beginning of a text.
type excerpt struct {
	text string
	// length is the length of the whole text, in bytes.
	length int
}

func excerptOf[T string | []byte](text T, most int) excerpt {
	return excerpt{string(text[:min(len(text), most)]), len(text)}
}

// cut reports whether the text is incomplete.
func (e excerpt) cut() bool { return e.length > len(e.text) }

// recording is a body that keeps the beginning of what is read from it.
type recording struct {
	io.ReadCloser
	kept   []byte
	length int
}

func (r *recording) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.kept = append(r.kept, p[:min(n, paramsKept-len(r.kept))]...)
	r.length += n
	return n, err
}

// newExchange runs after the headers of the response are set.
func newExchange(r *http.Request, form *recording, received http.Header, out answer) *exchange {
	e := &exchange{sent: headersOf(r.Header, sentHeaders), received: headersOf(received, receivedHeaders),
		query: excerptOf(r.URL.RawQuery, paramsKept), form: excerpt{string(form.kept), max(form.length, int(r.ContentLength))},
		answer: excerptOf(out.body, answerKept)}
	if r.Header.Get("Authorization") != "" {
		e.sent.Set("Authorization", maskedKey(apiKey(r)))
	}
	return e
}

// headersOf copies the first value of each of the named headers.
func headersOf(h http.Header, names []string) http.Header {
	copied := http.Header{}
	for _, name := range names {
		if value := h.Get(name); value != "" {
			copied.Set(name, shortened(value))
		}
	}
	return copied
}

var secret = regexp.MustCompile(`((?:sk|rk)_(?:test|live)_|whsec_|_secret_)[A-Za-z0-9+/=]+`)

// masked replaces the secret parts of client secrets, API keys and webhook secrets
// in a text by stars. The id of the intent stays.
func masked(text string) string { return secret.ReplaceAllString(text, "$1****") }
