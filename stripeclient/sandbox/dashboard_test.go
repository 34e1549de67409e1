package sandbox_test

import (
	"cmp"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// browse makes a request as a browser does, without following redirections.
func (b *bench) browse(method, path string, form url.Values, header http.Header) (*http.Response, string) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Accept", "text/html,*/*;q=0.8")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, values := range header {
		request.Header[name] = values
	}
	request.Host = cmp.Or(header.Get("Host"), request.Host)
	client := http.Client{Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		b.Fatal(err)
	}
	return response, string(body)
}

// page returns the HTML of a page of the dashboard.
func (b *bench) page(path string) string {
	b.Helper()
	response, body := b.browse("GET", "/_sandbox/"+path, nil, nil)
	if response.StatusCode != 200 {
		b.Fatalf("GET /_sandbox/%s: got %d, want 200", path, response.StatusCode)
	}
	return body
}

// submit sends a form, and fails unless the answer leads back to where it says.
func (b *bench) submit(path string, form url.Values) {
	b.Helper()
	form.Set("back", "/_sandbox/payments#x")
	response, body := b.browse("POST", "/_sandbox/"+path, form, http.Header{"Sec-Fetch-Site": {"same-origin"}})
	if got := response.Header.Get("Location"); response.StatusCode != 303 || got != "/_sandbox/payments#x" {
		b.Fatalf("POST /_sandbox/%s: got %d to %q, want 303 back\n%s", path, response.StatusCode, got, text(body))
	}
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// text is what a page shows.
func text(page string) string {
	apart := tags.ReplaceAllString(strings.ReplaceAll(page, "<wbr>", ""), " ")
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(apart), " "))
}

// row is the text of a row by the id of its object.
func row(page, id string) string {
	_, rest, _ := strings.Cut(page, fmt.Sprintf(`<tr id="row-%s">`, id))
	inside, _, _ := strings.Cut(rest, "</tr>")
	return text(inside)
}

func wantText(t *testing.T, what, got string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(got, w) {
			t.Errorf("%s: got %q, want %q in it", what, got, w)
		}
	}
}

func TestDashboardShowsWhatHappened(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true
	customer, err := b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String("Ada Lovelace"), Email: stripe.String("ada@example.com")})
	if err != nil {
		t.Fatal(err)
	}
	params := intent()
	params.Customer = &customer.ID
	in, err := b.api.PaymentIntents.New(params)
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa_chargeDeclinedInsufficientFunds"), "k1"))
	wantError(t, err, 402, stripe.ErrorTypeCard, "card_declined", "")
	_, err = b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa_chargeDeclinedInsufficientFunds"), "k1"))
	wantError(t, err, 402, stripe.ErrorTypeCard, "card_declined", "")
	wantText(t, "the payment after a decline", row(b.page(""), in.ID),
		"20.00 USD", "requires payment method", "Your card has insufficient funds.", "card_declined / insufficient_funds", "visa ···· 9995", "Ada Lovelace")

	if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/payment_intents/*/confirm", Kind: sandbox.FaultLostReply}); err != nil {
		t.Fatal(err)
	}
	wantText(t, "the banner", text(b.page("")), "On Reply lost POST /v1/payment_intents/*/confirm 1 more time")
	if _, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_amex"), "k2")); err == nil {
		t.Fatal("the reply was not lost")
	}
	if _, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_amex"), "k2")); err != nil {
		t.Fatal(err)
	}
	overview := b.page("")
	wantText(t, "the payment", row(overview, in.ID), "succeeded", "amex ···· 8431")
	requests := text(overview[strings.Index(overview, `id="requests"`):strings.Index(overview, `id="charges"`)])
	path := "POST /v1/payment_intents/" + in.ID + "/confirm"
	wantText(t, "the requests", requests, path+" 200 replayed", path+" 200 failure: Reply lost 2 events", path+" 402 2 events card_declined / insufficient_funds",
		path+" 402 replayed card_declined / insufficient_funds",
		"POST /v1/payment_intents 200 1 event", "POST /v1/customers 200 1 event")

	payment := text(b.page("payments/" + in.ID))
	wantText(t, "the payment's page", payment, `"id": "`+in.ID+`"`, `"status": "succeeded"`,
		"payment_intent.created", "charge.failed", "payment_intent.payment_failed", "charge.succeeded", "payment_intent.succeeded", "no webhook", path)
	for _, c := range b.sandbox.Charges() {
		wantText(t, "the charge's row", payment, c.ID)
		wantText(t, "the charge's page", text(b.page("charges/"+c.ID)), c.IdempotencyKey, c.RequestID, in.ID, `"object": "charge"`)
		wantText(t, "the page of its request", text(b.page("requests/"+c.RequestID)), path, c.IdempotencyKey, in.ID, "payment_intent.")
	}
	wantText(t, "the customer's page", text(b.page("customers/"+customer.ID)), "Ada Lovelace", "ada@example.com", in.ID, "customer.created", `"object": "customer"`)
	event := b.sandbox.Events()[0]
	wantText(t, "the event's page", text(b.page("events/"+event.ID)), event.Type, event.RequestID, `"object": "event"`, "None since the start.")
	wantText(t, "all requests", text(b.page("requests")), path)
}

func TestDashboardShowsDeliveries(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	r.answer = func(e stripe.Event) int {
		if e.Type == "customer.created" {
			return 503
		}
		return 204
	}
	cfg := r.config()
	cfg.WebhookRetryWaits = []time.Duration{time.Millisecond, time.Hour}
	b := setup(t, cfg)
	shown := func(kind, want string) string {
		t.Helper()
		var id string
		for _, e := range b.sandbox.Events() {
			if e.Type == kind {
				id = e.ID
			}
		}
		eventually(t, kind+" to be shown as "+want, func() bool { return strings.Contains(row(b.page("events"), id), want) })
		return id
	}
	if _, err := b.api.Customers.New(nil); err != nil {
		t.Fatal(err)
	}
	failing := shown("customer.created", "not delivered answered 503, 2 tries")
	if got := strings.Count(text(b.page("events/"+failing)), "answered 503"); got != 2 {
		t.Errorf("the event's page has %d failed tries, want 2", got)
	}
	in := b.newIntent()
	shown("payment_intent.created", "delivered answered 204")
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "payment_intent.canceled", Kind: sandbox.FaultWebhookDrop}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.api.PaymentIntents.Cancel(in.ID, nil); err != nil {
		t.Fatal(err)
	}
	dropped := shown("payment_intent.canceled", "dropped")
	b.submit("events/"+dropped+"/resend", url.Values{})
	shown("payment_intent.canceled", "delivered answered 204, 2 tries")
	if got := r.types(); !slices.Contains(got, "payment_intent.canceled") {
		t.Errorf("the receiver got %v, want the event that was sent again", got)
	}
	if err := b.sandbox.AddFault(sandbox.Fault{Match: "payment_intent.*", Kind: sandbox.FaultWebhookDelay, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	b.newIntent()
	shown("payment_intent.created", "held back")
}

func TestDashboardPlaysCustomerAndBank(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		from          stripe.PaymentIntentStatus
		form, outcome string
		want          stripe.PaymentIntentStatus
	}{
		{"requires_action", "challenge", "pass", "succeeded"},
		{"requires_action", "challenge", "fail", "requires_payment_method"},
		{"processing", "settle", "succeed", "succeeded"},
		{"processing", "settle", "fail", "requires_payment_method"},
	} {
		in := b.intentIn(tt.from)
		path := "payments/" + in.ID + "/" + tt.form
		button := fmt.Sprintf(`action="/_sandbox/%s"`, path)
		if !strings.Contains(b.page(""), button) || !strings.Contains(b.page("payments/"+in.ID), button) {
			t.Errorf("%s: there is no form %s", tt.from, button)
		}
		b.submit(path, url.Values{"outcome": {tt.outcome}})
		if got, err := b.api.PaymentIntents.Get(in.ID, nil); err != nil || got.Status != tt.want {
			t.Errorf("%s %s: got %v, %v; want %s", tt.form, tt.outcome, got.Status, err, tt.want)
		}
		response, body := b.browse("POST", "/_sandbox/"+path, url.Values{"outcome": {tt.outcome}}, nil)
		if response.StatusCode != 409 {
			t.Errorf("%s %s again: got %d, want 409", tt.form, tt.outcome, response.StatusCode)
		}
		wantText(t, "the refusal", text(body), "wrong state")
		if strings.Contains(b.page(""), button) {
			t.Errorf("%s %s: the form is still there", tt.form, tt.outcome)
		}
	}
}

// The page of a payment has the history that a state file of an older sandbox
// holds, whose events do not say what they are about.
func TestDashboardReadsOlderStates(t *testing.T) {
	t.Parallel()
	cfg := sandbox.Config{StatePath: filepath.Join(t.TempDir(), "state")}
	b := setup(t, cfg)
	in := b.intentIn("succeeded")
	state, err := os.ReadFile(cfg.StatePath)
	if err != nil {
		t.Fatal(err)
	}
	old := regexp.MustCompile(`,"subject":"[^"]*"`).ReplaceAll(state, nil)
	if len(old) == len(state) {
		t.Fatal("the state has no subjects to take away")
	}
	cfg.StatePath = filepath.Join(t.TempDir(), "old")
	if err := os.WriteFile(cfg.StatePath, old, 0o600); err != nil {
		t.Fatal(err)
	}
	again := setup(t, cfg)
	page := text(again.page("payments/" + in.ID))
	wantText(t, "the payment", page, "payment_intent.created", "charge.succeeded", "payment_intent.succeeded")
}
