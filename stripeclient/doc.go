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
// # Replays
//
// Stripe saves the first answer for an idempotency key and repeats it, declines
// and server errors included. Such an answer tells what was true then, not what
// is: Intent.Replayed and Error.Replayed mark it.
//
// # Secrets
//
// Error texts hold Stripe's type, code, decline code and request id, never the
// body of an answer: a decline carries the intent with its client secret.
package stripeclient
