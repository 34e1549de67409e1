package stripeclient

import (
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// failure turns what stripe-go returned for a call into our error. The text of
// err never gets into it: it is the answer's body.
func (x *exchange) failure(r request, err error) *Error {
	e := &Error{Kind: KindUnknown, Op: r.op, Status: x.status, RequestID: x.requestID()}
	var answer *stripe.Error
	switch {
	case x.err != nil:
		e.cause = x.err
		if r.key == "" && errors.Is(x.err, errTooLarge) {
			e.Kind = KindTooLarge
		}
	case errors.As(err, &answer):
		e.fill(answer, x.header)
		e.Replayed = x.replayed()
		if e.Intent != nil {
			e.Intent.Replayed = e.Replayed
		}
	default:
		e.cause = errUnreadable
	}
	return e
}

// fill takes over what an error answer says.
func (e *Error) fill(a *stripe.Error, h http.Header) {
	e.Kind = classify(e.Op, e.Status, a)
	e.Type = token(string(a.Type))
	e.Code = code(a.Code)
	e.DeclineCode = code(a.DeclineCode)
	e.Param = token(a.Param)
	e.Message = redact(a.Param, a.Msg)
	if isIntent(a.PaymentIntent) {
		e.Intent = intentOf(a.PaymentIntent)
	}
	if seconds, err := strconv.Atoi(h.Get("Retry-After")); err == nil && seconds > 0 && seconds <= 3600 {
		e.RetryAfter = time.Duration(seconds) * time.Second
	} else if e.Kind == KindOverloaded {
		e.RetryAfter = retryHint
	}
}

// again reports whether another attempt with the same key makes sense. Stripe's
// own advice goes first, except that a saved answer stays what it is and that a
// rate limit is not answered with more requests.
//
// The advice counts only in an answer that was read: nearly every request that
// Stripe executes is answered with "false", and if the rest of the answer is lost,
// only another attempt with the same key can bring it.
// Source: https://docs.stripe.com/error-low-level#should-retry
func (e *Error) again(h http.Header) bool {
	switch {
	case e.Replayed, e.Kind == KindOverloaded, errors.Is(e.cause, errTooLarge):
		return false
	case e.cause != nil:
		return true
	}
	switch h.Get("Stripe-Should-Retry") {
	case "true":
		return true
	case "false":
		return false
	}
	return e.Kind == KindUnknown || e.Kind == KindBusy
}

var (
	codeShape  = regexp.MustCompile(`^[a-z0-9_]{1,100}$`)
	tokenShape = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,100}$`)
)

// code lets Stripe's codes through, and nothing of another shape: networks have
// codes such as N7, and our own answers hold codes.
func code[T ~string](s T) string {
	return shaped(codeShape, string(s))
}

// token lets names of types and parameters and request ids through, and nothing
// that could be text, an address or a line of a log.
func token(s string) string { return shaped(tokenShape, s) }
