package sandbox

import "encoding/json"

// Customer is a customer as the sandbox keeps it. Empty strings are null in
// Stripe's API. Times, here and below, are unix seconds.
type Customer struct {
	ID          string            `json:"id"`
	Email       string            `json:"email"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	Phone       string            `json:"phone"`
	Metadata    map[string]string `json:"metadata"`
	Created     int64             `json:"created"`
	// Deleted customers can be retrieved, and nothing else.
	Deleted bool `json:"deleted"`
}

// Intent is a payment intent.
type Intent struct {
	ID           string `json:"id"`
	ClientSecret string `json:"client_secret"`
	// Amount is in the smallest unit of Currency, as are the next two.
	Amount           int64  `json:"amount"`
	AmountCapturable int64  `json:"amount_capturable"`
	AmountReceived   int64  `json:"amount_received"`
	Currency         string `json:"currency"`
	// Status is one of Stripe's seven.
	Status        string            `json:"status"`
	Customer      string            `json:"customer"`
	PaymentMethod string            `json:"payment_method"`
	LatestCharge  string            `json:"latest_charge"`
	Description   string            `json:"description"`
	ReceiptEmail  string            `json:"receipt_email"`
	Metadata      map[string]string `json:"metadata"`
	// CaptureMethod is automatic or manual.
	CaptureMethod string `json:"capture_method"`
	// CardOnly is true when payment_method_types=[card] was given. Otherwise
	// payment methods are automatic.
	CardOnly bool `json:"card_only"`
	// NeverRedirects is automatic_payment_methods[allow_redirects]=never.
	NeverRedirects   bool   `json:"never_redirects"`
	SetupFutureUsage string `json:"setup_future_usage"`
	// ReturnURL is where the customer goes after a challenge, as the last
	// confirmation gave it; empty for a challenge in the page.
	ReturnURL string `json:"return_url"`
	// ChallengeURL is where the customer meets a challenge by redirection.
	ChallengeURL string   `json:"challenge_url"`
	LastError    *Failure `json:"last_error"`
	// Confirmations counts those that came to a charge or a challenge.
	Confirmations      int    `json:"confirmations"`
	Created            int64  `json:"created"`
	CanceledAt         int64  `json:"canceled_at"`
	CancellationReason string `json:"cancellation_reason"`
}

// Failure is why the last attempt to pay failed: last_payment_error.
type Failure struct {
	Type          string `json:"type"`
	Code          string `json:"code"`
	DeclineCode   string `json:"decline_code"`
	Message       string `json:"message"`
	Param         string `json:"param"`
	Charge        string `json:"charge"`
	PaymentMethod string `json:"payment_method"`
}

// PaymentMethod is a payment method that was made from a test token.
type PaymentMethod struct {
	ID string `json:"id"`
	// Token is the test token that it came from; it decides the outcome.
	Token    string `json:"token"`
	Customer string `json:"customer"`
	Created  int64  `json:"created"`
	// Spent methods were charged while unattached, or were detached, and
	// cannot be used again.
	Spent bool `json:"spent"`
	// Checked methods had their security code checked by the issuer, when they
	// were attached or charged.
	Checked bool `json:"checked"`
	// SetUp methods have passed a challenge for later use off session.
	SetUp bool `json:"set_up"`
}

// Charge is one attempt to move money, and how it ended. All charges together
// are the journal of the sandbox: none is ever removed.
type Charge struct {
	ID            string `json:"id"`
	Intent        string `json:"payment_intent"`
	Customer      string `json:"customer"`
	PaymentMethod string `json:"payment_method"`
	// Amount is in the smallest unit of Currency, as are the next two.
	Amount         int64  `json:"amount"`
	AmountCaptured int64  `json:"amount_captured"`
	AmountRefunded int64  `json:"amount_refunded"`
	Currency       string `json:"currency"`
	// Status is succeeded, failed or pending. A succeeded charge that is not
	// captured holds the money and has not moved it.
	Status   string `json:"status"`
	Captured bool   `json:"captured"`
	// FailureCode and DeclineCode are Stripe's codes, empty unless it failed.
	FailureCode    string `json:"failure_code"`
	DeclineCode    string `json:"decline_code"`
	FailureMessage string `json:"failure_message"`
	// Blocked by Radar: the network was never asked.
	Blocked bool `json:"blocked"`
	// Authenticated by a challenge.
	Authenticated bool              `json:"authenticated"`
	Disputed      bool              `json:"disputed"`
	Description   string            `json:"description"`
	Metadata      map[string]string `json:"metadata"`
	Created       int64             `json:"created"`
	// RequestID and IdempotencyKey are those of the call that made it, empty
	// after a challenge.
	RequestID      string `json:"request_id"`
	IdempotencyKey string `json:"idempotency_key"`
}

// Event is something that happened, with the object as it was right then.
type Event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	// Object is the snapshot, in Stripe's JSON.
	Object json.RawMessage `json:"object"`
	// Previous holds the old values of what changed, or is empty.
	Previous json.RawMessage `json:"previous,omitempty"`
	// Subject is the payment intent that the object is or belongs to, or else
	// the customer, or else the object itself.
	Subject string `json:"subject,omitempty"`
	// RequestID and IdempotencyKey are those of the call that caused it,
	// empty if it was no call.
	RequestID      string `json:"request_id"`
	IdempotencyKey string `json:"idempotency_key"`
}
