package stripeclient

import (
	"fmt"
	"time"
)

// Kind is what an Error means for the caller.
type Kind int

const (
	// KindUnknown: the call may or may not have had an effect (time-out,
	// transport error, 5xx, unreadable answer, caller gave up; or an attempt
	// ended like that and the next was turned away). Repeat it with the same key.
	KindUnknown Kind = iota
	// KindDeclined: the issuer or Stripe declined the payment method (402).
	KindDeclined
	// KindNotFound: Stripe has no such object. Error.Param says which.
	KindNotFound
	// KindInvalid: Stripe refuses our request as it is: an amount, a parameter,
	// an email address. Neither another payment method nor a retry helps.
	KindInvalid
	// KindUnexpectedState: the intent is in a state that does not allow the
	// call. Error.Intent is the intent.
	KindUnexpectedState
	// KindBusy: another call with the same key or on the same object is under
	// way (409, lock_timeout). Nothing was done; repeat it soon.
	KindBusy
	// KindOverloaded: too many calls, by Stripe's limits (429) or by ours, or
	// the circuit breaker is open. Nothing was done; see Error.RetryAfter.
	KindOverloaded
	// KindRefused: Stripe refuses our key (401, 403, an expired key). An
	// operator must act.
	KindRefused
	// KindKeyReused: the idempotency key was first used with other parameters
	// (400, type idempotency_error). Nothing was done.
	KindKeyReused
	// KindPaymentMethod: Stripe cannot use this payment method for this payment,
	// without having asked its issuer: it is another customer's, used up, or of
	// the wrong kind or currency. An unknown one is KindNotFound with Param
	// "payment_method".
	KindPaymentMethod
	// KindAccount: the Stripe account or its settings do not allow the call: it
	// takes test payments only, is closed, or has the payment method switched
	// off. An operator must act.
	KindAccount
	// KindTooLarge: Stripe's answer to a read is larger than we take. Nothing was
	// done, and the same call would end in the same way.
	KindTooLarge
)

func (k Kind) String() string {
	switch k {
	case KindUnknown:
		return "unknown"
	case KindDeclined:
		return "declined"
	case KindNotFound:
		return "not_found"
	case KindInvalid:
		return "invalid"
	case KindUnexpectedState:
		return "unexpected_state"
	case KindBusy:
		return "busy"
	case KindOverloaded:
		return "overloaded"
	case KindRefused:
		return "refused"
	case KindKeyReused:
		return "key_reused"
	case KindPaymentMethod:
		return "payment_method"
	case KindAccount:
		return "account"
	case KindTooLarge:
		return "too_large"
	}
	return fmt.Sprintf("kind(%d)", int(k))
}

// Error is what every failed call returns. Its text is safe to log.
type Error struct {
	Kind Kind
	// Op is the call, such as "confirm intent".
	Op string
	// Status is the HTTP status of Stripe's answer, 0 if there was none.
	Status int
	// Type, Code and DeclineCode are Stripe's; each may be empty.
	Type, Code, DeclineCode string
	// Param is the request parameter that Stripe objects to; may be empty.
	Param string
	// Message is what Stripe says, for operators: shortened, without secrets and
	// addresses. May be empty.
	Message string
	// RequestID is Stripe's, for its support; may be empty.
	RequestID string
	// Intent is the payment intent that the answer carried, or nil.
	Intent *Intent
	// Replayed is true when this is the saved answer to an earlier call with
	// the same idempotency key: a new try needs a new key.
	Replayed bool
	// RetryAfter is how long to wait before another try, 0 if not known.
	RetryAfter time.Duration
	// cause is why there is no answer that can be read: the context's or the
	// transport's error, or what was wrong with the answer. It is nil if Stripe
	// answered. It holds nothing of an answer's body.
	cause error
}

// Error returns the call, the kind, why there is no answer, and what Stripe says.
// It holds no secret and no address.
func (e *Error) Error() string {
	if e.Message == "" {
		return e.Codes()
	}
	return fmt.Sprintf("%s message=%q", e.Codes(), e.Message)
}

// Codes is Error without Stripe's message, which may quote what our caller's client
// has sent.
func (e *Error) Codes() string {
	s := fmt.Sprintf("stripe: %s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (status %d)", e.Status)
	}
	if e.cause != nil {
		s += ": " + reason(e.cause)
	}
	for _, f := range [...]struct{ name, value string }{
		{"type", e.Type}, {"code", e.Code}, {"decline_code", e.DeclineCode}, {"param", e.Param}, {"request", e.RequestID},
	} {
		if f.value != "" {
			s += " " + f.name + "=" + f.value
		}
	}
	return s
}

// Unwrap returns why there is no answer that can be read: the context's error,
// the transport's, or ours; else nil. context.Canceled means that the caller
// gave up; context.DeadlineExceeded also that one attempt timed out.
func (e *Error) Unwrap() error { return e.cause }
