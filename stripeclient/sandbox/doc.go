// Package sandbox is a stateful emulator of Stripe's API at version 2023-10-16:
// an http.Handler that a Stripe library is pointed at instead of
// https://api.stripe.com. It imports nothing of ours, and no Stripe library.
//
// # What is not emulated
//
// What is not emulated is refused, never guessed. A path that is not emulated is
// Stripe's 404 "Unrecognized request URL" and a warning "not emulated" in the
// log; a parameter or value that Stripe has and the sandbox does not is a 400
// that says so. In particular there are no
//
//   - live mode, restricted or publishable keys, connected accounts, or any
//     other API version;
//   - refunds, disputes (but for the event), balance and fees
//     (balance_transaction is null), receipts, setup intents, checkout,
//     subscriptions, invoices, or search;
//   - card numbers: payment methods come from test tokens alone;
//   - payment method types but card and one bank debit, which has a token of
//     the sandbox's own (DebitToken); of currencies only the 24 with a
//     documented minimum charge;
//   - manual confirmation, error_on_requires_action, use_stripe_sdk;
//   - rate limits and limits of updates per intent (there are faults for them);
//     expiry of authorizations.
//
// Message texts are Stripe's where they are known, and have the same meaning
// where they are not: branch on type and code.
//
// Stripe sends some properties that its OpenAPI document at this version does
// not have. The sandbox leaves them out: source of an intent; destination,
// dispute, order and source of a charge; display_brand and allow_redisplay of a
// payment method; advice_code and the network codes of a decline.
//
// # What is
//
// Customers; payment intents with every transition and refusal of their state
// machine; test payment methods, attached and not; charges; lists with
// cursors; expansion; events; signed webhooks. Every body validates against
// Stripe's OpenAPI document, which the tests hold.
//
// # Odd facts
//
// An unknown id in a body is a 400, the same id in the path a 404; an update of
// a deleted customer and a list of its payment methods are a 400. A decline is a 402 that changes
// the intent: it goes back to requires_payment_method without its payment method,
// and keeps the failed charge. A payment method that was charged unattached is
// spent. The GET of a test token makes a payment method. The limit of a list is
// corrected silently. One cent is accepted, although Stripe documents minimums.
//
// # What is not established
//
// No documentation and no recorded exchange says what Stripe does in these
// cases, so do not rely on what the sandbox does:
//
//   - a replay carries the headers of the first answer beside
//     Idempotent-Replayed;
//   - DELETE carries none of the headers of an executed call;
//   - an intent whose customer was deleted cannot be confirmed: 400
//     resource_missing;
//   - a confirmation beyond the limit (Config.ConfirmLimit) cancels the intent,
//     as Stripe documents; it is answered 400 payment_intent_unexpected_state
//     with the canceled intent, and there is no cancellation_reason;
//   - an email is accepted if it has something on both sides of an @, also if it
//     is not ASCII: FaultEmailInvalid refuses every email;
//   - the faults that are named by an error code answer 400;
//   - an event that is older than 30 days is not shown, but still known as a
//     cursor of the list;
//   - a negative limit of a list counts as 1;
//   - intents and charges of a deleted customer are listed; payment methods are
//     not, as recorded.
//
// # Idempotency
//
// As at Stripe: for POST, per account, for 24 hours by the Clock. The first answer
// is saved once the call is executed, whatever its status, declines and server
// errors included. A call that is refused before it is executed is not saved:
// refused parameters, unknown ids in the path and in the body, 401, 409, 429,
// and what the account does not allow. The saved answer is committed together
// with the changes that it describes. Answers say in their headers whether they
// were executed: see setHeader.
//
// # Concurrency
//
// Calls on one object run one after the other; a call that waits longer than
// LockWait gets lock_timeout. The work of a call runs under one lock in
// microseconds, so only a delay fault shows this.
//
// # State
//
// Everything is in memory. With a StatePath each transaction is one line
// appended to a file before the answer is sent, so that a SIGKILL loses nothing
// that was answered. New reads the file and writes it again without history;
// until then it grows.
//
// # Webhooks
//
// Up to eight are sent at a time, so their order is as uncertain as Stripe's. An
// event is sent until the receiver answers 2xx, across restarts.
//
// # Control
//
// Faults, challenges and settlements are Go methods and JSON over HTTP:
//
//	GET    /_sandbox/journal                              every charge
//	POST   /_sandbox/payment_intents/{id}/challenge       {"outcome":"pass"|"fail"}
//	POST   /_sandbox/payment_intents/{id}/settle          {"outcome":"succeed"|"fail"}
//	POST   /_sandbox/events/{id}/send                     send its webhook again
//	GET    /_sandbox/faults
//	POST   /_sandbox/faults                               {"match","kind","times","probability","delay"}
//	DELETE /_sandbox/faults
//
// They take no key, so serve a Sandbox on loopback only. Requests from web pages
// (with an Origin header) are refused.
//
// # Access
//
// Every path answers to loopback host names only, and to no page of another
// site: see LoopbackOnly. Stripe's API takes the account's secret key, which is
// random unless Config.SecretKeys chooses it.
//
// # Dashboard
//
// Pages under /_sandbox/, to which / redirects a browser, show the same to people:
// customers, payments, charges, events with every try to deliver them, and
// requests with their parameters and responses. A search finds objects by id,
// name, email or metadata, and lists can be filtered. The pages need no script;
// with one they follow what happens by server-sent events.
//
// Requests and tries are remembered since New: a fixed number of them, and a fixed
// number of bytes of parameters and responses. A request without a key that is
// not under /v1/ is not remembered, because browsers send such requests on their
// own. No page shows a client secret, an API key or the webhook secret. Forms and
// the stream are for the dashboard's own pages only.
package sandbox
