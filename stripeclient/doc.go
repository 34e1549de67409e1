// Package stripeclient contains everything that knows stripe-go. It exports its own
// types and errors, and no type of Stripe's library. It imports nothing of ours and
// keeps no global state.
//
// # Unknown outcomes
//
// A call that changes something can end in three ways: done, refused, or
// unknown. A time-out, a broken connection and a 5xx are unknown (KindUnknown):
// the charge may have happened. Callers repeat such a call with the same
// idempotency key or fetch the intent; they never report it as a failure.
//
// # Refusals
//
// A 4xx has many meanings, and classify tells them apart by code, type, status and
// param: the card was declined, the payment method cannot be used, the request, the
// account or the key is at fault, or it is not the moment. Nothing is decided by the
// text of a message.
//
// # Attempts
//
// One call is sent up to Config.MaxAttempts times, always with the same
// idempotency key, when the outcome is unknown, Stripe is busy with the object
// or Stripe-Should-Retry says so. That header counts only in an answer that was
// read. The pauses grow, are partly random, and end with the context. A saved server
// error and a rate limit are not tried again. A call without a deadline gets one.
//
// Once an attempt to change something had an unknown outcome, only an answer
// about the request itself settles the call: "busy" or "too many requests"
// after a lost reply is KindUnknown.
//
// # Limits
//
// Every attempt passes a queue, which bounds the requests under way and their
// rate, and a circuit breaker, which counts unknown outcomes in a row: users have
// one, and work in the background another. In the queue users take turns, and go before work in the background; see WithPayer. At most
// half of the time that a call has left is spent waiting; then it is
// KindOverloaded, for the user who asked for too much alone.
//
// An answer that is too large for us is no failure of Stripe and does not count for
// the breaker. Lists are then read in smaller pages.
//
// # Replays
//
// Stripe saves the first answer for an idempotency key and repeats it, declines
// and server errors included. Such an answer says what was true then, not what
// is: Intent.Replayed and Error.Replayed mark it, also when it was our own
// further attempt that got the saved answer.
//
// # Secrets
//
// Error texts hold Stripe's type, codes, param, message and request id, never the
// rest of an answer: a decline carries the intent with its client secret. The
// message is shortened and loses what looks like a secret or an address. Intents and
// customers print as their ids, and encode to JSON without their secrets.
//
// What goes into our own answers, such as statuses and decline codes, has the shape
// that our contract promises, whatever Stripe sends.
package stripeclient
