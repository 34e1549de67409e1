// Package payments holds the rules of paying: how a payment is created and
// confirmed, how it follows its payment intent at Stripe, and the reconciler
// that mends what a lost reply or webhook left behind. No HTTP.
//
// # One charge
//
// A payment is one document, unique by user and cuid, and has one payment
// intent, made under an idempotency key of the document's id and attempt. Stripe
// charges an intent once. So however often a client, a replica or a retry asks,
// and wherever it is cut off, there is one charge.
//
// # Attempts
//
// Stripe repeats its first answer for a key: a decline or a server error would
// come back for ever. An attempt number in the key, raised with a conditional
// write once the outcome of the old one is settled, gives the next try a key of
// its own. Two racing tries raise it once.
//
// # One customer
//
// A user's Stripe customer is made in the same way: the attempt is stored before
// Stripe is asked, and is also the time since when a customer of this user is
// looked for in Stripe's list before another attempt is begun.
//
// # Truth
//
// A payment's status is a copy of the intent's. It is written by one function,
// record, conditionally on the version that was read before Stripe was asked: an
// answer that is older than what is stored cannot overwrite it. Succeeded and
// canceled are never left. A replayed answer tells the past, so the intent is
// fetched anew before it is believed.
//
// # Unknown outcomes
//
// A time-out or a server error of Stripe is never called a failure. The error
// goes out as it is, and the client may send the same request again.
package payments
