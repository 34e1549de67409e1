// Package payments holds the rules of paying: how a payment is created and
// confirmed, how it follows its payment intent at Stripe, and the reconciler,
// which makes up for lost replies and webhooks. No HTTP.
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
// Stripe repeats its first answer for a key: a decline, a refusal or a server
// error would come back for a day. An attempt number in the key, raised with a
// conditional write once the outcome of the old one is settled, gives the next try
// a key of its own. Two racing tries raise it once. One request makes at most three
// attempts at one thing.
//
// # One customer
//
// A user's Stripe customer is made in the same way: the attempt is stored before
// Stripe is asked, and is also the time since when a customer of this user is
// looked for in Stripe's list before another attempt is begun. A name or an email
// address that Stripe refuses is left out. A customer that Stripe does not have,
// because it was deleted or belongs to the other mode, is replaced.
//
// # Truth
//
// A payment's status is a copy of the intent's. It is written by one function,
// record, conditionally on the version that was read before Stripe was asked: an
// answer that is older than what is stored cannot overwrite it. Succeeded and
// canceled are never left. A replayed answer is about the past, so the intent is
// fetched again before it is used.
//
// # Whose an intent is
//
// An intent belongs to the user who has its customer in our store. Metadata proves
// nothing: others may write it under our keys. An intent is a payment's own only if
// all that it was made of agrees, and what a backup lacks is restored from metadata
// only for the owner of the customer. Intents of other customers are left alone.
//
// # Unknown outcomes
//
// A time-out or a server error of Stripe is never called a failure. The error
// goes out as it is, and the client may send the same request again.
//
// # The reconciler
//
// It reads every event of Stripe twice, five minutes apart, since an event may be
// listed late; what was handled costs nothing the second time. It asks about an
// open payment each time that the time since its last change has doubled. Payments
// without an intent are looked for once per customer. What Stripe refuses is
// counted and passed over, or tried ever more rarely: it fails no round.
package payments
