// Package stripeclient is everything that knows stripe-go. Its own types and
// errors go out; no type of Stripe's library does. It imports nothing of ours
// and keeps no global state.
//
// # Unknown outcomes
//
// A call that changes something can end in three ways: done, refused, or
// unknown. A time-out, a broken connection and a 5xx are unknown (KindUnknown):
// the charge may have happened. Callers repeat such a call with the same
// idempotency key or look at the intent anew; they never report it as a
// failure.
//
// # Attempts
//
// One call is sent up to Config.MaxAttempts times, always with the same
// idempotency key, when the outcome is unknown, Stripe is busy with the object
// or Stripe-Should-Retry says so. The pauses grow, are partly random, and end
// with the context. A saved server error and a rate limit are not tried again.
// A call without a deadline gets one.
//
// Once an attempt to change something had an unknown outcome, only an answer
// about the request itself settles the call: "busy" or "too many requests"
// after a lost reply is KindUnknown.
//
// # Limits
//
// Every attempt passes a bound on requests under way, a rate and a circuit
// breaker, which counts unknown outcomes in a row. At most half of the time
// that a call has left is spent waiting for them; then it is KindOverloaded.
//
// # Replays
//
// Stripe saves the first answer for an idempotency key and repeats it, declines
// and server errors included. Such an answer tells what was true then, not what
// is: Intent.Replayed and Error.Replayed mark it, also when it was our own
// further attempt that the saved answer came to.
//
// # Secrets
//
// Error texts hold Stripe's type, code, decline code and request id, never the
// body of an answer: a decline carries the intent with its client secret.
// Intents and customers print as their ids, and encode to JSON without their
// secrets.
package stripeclient
