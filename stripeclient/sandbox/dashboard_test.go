package sandbox_test

import (
	"bufio"
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

func TestDashboardSwitchesEveryFault(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	page := b.page("failures")
	kinds := regexp.MustCompile(`name="kind" value="([a-z0-9_]+)"`).FindAllStringSubmatch(page, -1)
	if len(kinds) != 16 {
		t.Fatalf("the page has %d faults, want 16", len(kinds))
	}
	for _, k := range kinds {
		kind := sandbox.FaultKind(k[1])
		match := "GET /v1/customers"
		if strings.HasPrefix(k[1], "webhook_") {
			match = "customer.*"
		}
		if title := text(page[strings.Index(page, `id="title-`+k[1]+`"`)-4:][:200]); title == "" {
			t.Errorf("%s has no title", kind)
		}
		b.submit("failures", url.Values{"kind": {k[1]}, "match": {match}, "times": {"2"}, "chance": {"100"}, "wait": {"1.5"}})
		want := sandbox.Fault{Match: match, Kind: kind, Times: 2, Delay: 1500 * time.Millisecond}
		if got := b.sandbox.Faults(); len(got) != 1 || got[0] != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		number := regexp.MustCompile(`id="armed-(\d+)"`).FindStringSubmatch(b.page(""))
		if number == nil {
			t.Fatalf("%s is on and not shown", kind)
		}
		b.submit("failures/disarm", url.Values{"fault": {number[1]}})
		if got := b.sandbox.Faults(); len(got) != 0 {
			t.Fatalf("got %+v, want none", got)
		}
	}
	// Without a number of times it is on until it is switched off.
	b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "times": {""}})
	for range 3 {
		wantError(t, b.api.Events.List(nil).Err(), 429, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeRateLimit, "")
	}
	wantText(t, "the banner", text(b.page("")), "until switched off, struck 3 ×")
	b.submit("failures", url.Values{"kind": {"html_502"}, "match": {"GET /v1/charges"}, "times": {"4"}, "chance": {"25"}})
	want := sandbox.Fault{Match: "GET /v1/charges", Kind: sandbox.FaultHTML502, Times: 4, Probability: 0.25}
	if got := b.sandbox.Faults(); len(got) != 2 || got[1] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.submit("failures/disarm", url.Values{"fault": {"all"}})
	if got := b.sandbox.Faults(); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
}

// One fault of two that are alike is switched off, and the other stays.
func TestDashboardSwitchesOffTheFaultThatWasMeant(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for range 2 {
		b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "times": {"1"}})
	}
	numbers := regexp.MustCompile(`id="armed-(\d+)"`).FindAllStringSubmatch(b.page(""), -1)
	if len(numbers) != 2 {
		t.Fatalf("got %d faults, want 2", len(numbers))
	}
	wantError(t, b.api.Events.List(nil).Err(), 429, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeRateLimit, "")
	// The first has struck and is gone: switching it off must not hit the second.
	b.submit("failures/disarm", url.Values{"fault": {numbers[0][1]}})
	if got := len(b.sandbox.Faults()); got != 1 {
		t.Errorf("got %d faults, want 1", got)
	}
}

func TestDashboardRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn("requires_action")
	event := b.sandbox.Events()[0].ID
	pass, arm := url.Values{"outcome": {"pass"}}, url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}}
	challenge := "payments/" + in.ID + "/challenge"
	for _, tt := range []struct {
		name, method, path string
		form               url.Values
		header             http.Header
		status             int
	}{
		{"a form of another site", "POST", challenge, pass, http.Header{"Sec-Fetch-Site": {"cross-site"}}, 403},
		{"a form of another port of this machine", "POST", challenge, pass, http.Header{"Sec-Fetch-Site": {"same-site"}}, 403},
		{"a form of an old browser on another site", "POST", challenge, pass, http.Header{"Origin": {"http://evil.example"}}, 403},
		{"a form of a page without origin", "POST", "failures", arm, http.Header{"Origin": {"null"}}, 403},
		{"a page under a foreign name", "GET", "", nil, http.Header{"Host": {"evil.example"}}, 403},
		{"a form under a foreign name", "POST", challenge, pass, http.Header{"Host": {"evil.example:80"}, "Origin": {"http://evil.example:80"}, "Sec-Fetch-Site": {"same-origin"}}, 403},
		{"a name that only begins like ours", "GET", "payments", nil, http.Header{"Host": {"localhost.evil.example"}}, 403},
		{"the stream under a foreign name", "GET", "live", nil, http.Header{"Host": {"evil.example"}}, 403},
		{"unknown payment", "GET", "payments/pi_x", nil, nil, 404},
		{"unknown charge", "GET", "charges/ch_x", nil, nil, 404},
		{"unknown customer", "GET", "customers/cus_x", nil, nil, 404},
		{"unknown event", "GET", "events/evt_x", nil, nil, 404},
		{"unknown request", "GET", "requests/req_x", nil, nil, 404},
		{"unknown page", "GET", "nothing", nil, nil, 404},
		{"unknown asset", "GET", "dashboard/assets/x.js", nil, nil, 404},
		{"a template as an asset", "GET", "dashboard/assets/..%2fshell.html", nil, nil, 404},
		{"challenge of an unknown payment", "POST", "payments/pi_x/challenge", pass, nil, 404},
		{"unknown outcome", "POST", challenge, url.Values{"outcome": {"maybe"}}, nil, 400},
		{"no outcome", "POST", "payments/" + in.ID + "/settle", url.Values{}, nil, 400},
		{"settling what waits for a challenge", "POST", "payments/" + in.ID + "/settle", url.Values{"outcome": {"fail"}}, nil, 409},
		{"nowhere to send an event", "POST", "events/" + event + "/resend", nil, nil, 409},
		{"unknown fault", "POST", "failures", url.Values{"kind": {"x"}, "match": {"*"}}, nil, 400},
		{"fault without a place", "POST", "failures", url.Values{"kind": {"rate_limit"}, "match": {""}}, nil, 400},
		{"times that are no number", "POST", "failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "times": {"NaN"}}, nil, 400},
		{"no chance", "POST", "failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "chance": {"0"}}, nil, 400},
		{"more than certain", "POST", "failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "chance": {"101"}}, nil, 400},
		{"wait without end", "POST", "failures", url.Values{"kind": {"delay"}, "match": {"GET /v1/events"}, "wait": {"1e300"}}, nil, 400},
		{"switching off nothing", "POST", "failures/disarm", url.Values{}, nil, 400},
		{"a form that is too large", "POST", "failures", url.Values{"match": {strings.Repeat("x", 1<<17)}}, nil, 400},
	} {
		response, body := b.browse(tt.method, "/_sandbox/"+tt.path, tt.form, tt.header)
		if response.StatusCode != tt.status {
			t.Errorf("%s: got %d, want %d\n%s", tt.name, response.StatusCode, tt.status, text(body))
		}
		if strings.Contains(body, in.ID) && tt.header != nil {
			t.Errorf("%s: the answer shows the account", tt.name)
		}
	}
	if got := b.sandbox.Intents()[0].Status; got != "requires_action" {
		t.Errorf("the payment is %s, want it untouched", got)
	}
	if got := b.sandbox.Faults(); len(got) != 0 {
		t.Errorf("got faults %v, want none", got)
	}
	for _, host := range []string{"localhost:1", "LOCALHOST", "127.0.0.2", "[::1]:80", "sandbox.localhost"} {
		if response, _ := b.browse("GET", "/_sandbox/", nil, http.Header{"Host": {host}}); response.StatusCode != 200 {
			t.Errorf("host %s: got %d, want 200", host, response.StatusCode)
		}
	}
}

// A form leads back to a page of the dashboard, whatever it says.
func TestDashboardLeadsNowhereElse(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, back := range []string{"", "http://evil.example/_sandbox/", "//evil.example", "/_sandbox", "/v1/charges", "javascript:alert(1)", "/_sandbox/\x00"} {
		response, _ := b.browse("POST", "/_sandbox/failures/disarm", url.Values{"fault": {"all"}, "back": {back}}, nil)
		if got := response.Header.Get("Location"); got != "/_sandbox/" {
			t.Errorf("back %q: got %q, want /_sandbox/", back, got)
		}
	}
}

func TestDashboardEscapesWhatOthersWrote(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	const hostile = `<script>alert("x")</script>`
	customer, err := b.api.Customers.New(&stripe.CustomerParams{Name: stripe.String(hostile), Email: stripe.String("a@example.com"), Description: stripe.String(hostile)})
	if err != nil {
		t.Fatal(err)
	}
	params := intent()
	params.Customer, params.Description = &customer.ID, stripe.String(hostile)
	params.SetIdempotencyKey(`"><script>`)
	in, err := b.api.PaymentIntents.New(params)
	if err != nil {
		t.Fatal(err)
	}
	b.raw("GET", "/v1/%3Cscript%3E", nil, nil)
	if err := b.sandbox.AddFault(sandbox.Fault{Match: `GET /"><script>`, Kind: sandbox.FaultRateLimit}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"", "customers", "customers/" + customer.ID, "payments", "payments/" + in.ID, "events", "requests", "failures"} {
		page := b.page(path)
		if n := strings.Count(page, "<script"); n != 1 {
			t.Errorf("/_sandbox/%s has %d scripts, want its own alone", path, n)
		}
		if path == "customers" {
			wantText(t, path, text(page), hostile)
		}
	}
	wantText(t, "requests", text(b.page("requests")), "/v1/<script>")
}

func TestDashboardKeepsSecrets(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	cfg := r.config()
	cfg.WebhookURL += "/hook?token=swordfish"
	b := setup(t, cfg)
	in := b.newIntent()
	for _, path := range []string{"", "payments", "charges", "customers", "events", "requests", "failures"} {
		page := b.page(path)
		for _, secret := range []string{in.ClientSecret, webhookSecret, testKey, "swordfish"} {
			if strings.Contains(page, secret) || strings.Contains(text(page), secret) {
				t.Errorf("/_sandbox/%s shows a secret", path)
			}
		}
	}
	response, _ := b.browse("GET", "/_sandbox/", nil, nil)
	policy := response.Header.Get("Content-Security-Policy")
	wantText(t, "the policy", policy, "default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "form-action 'self'")
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %q, want nothing unsafe", policy)
	}
}

// Lists are cut into pages, and the pages have everything once.
func TestDashboardListsAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for range 120 {
		params := intent()
		params.Customer = &customer.ID
		in, err := b.api.PaymentIntents.New(params)
		if err != nil {
			t.Fatal(err)
		}
		want[in.ID] = true
	}
	rows := regexp.MustCompile(`<tr id="row-(\w+)">`)
	older := regexp.MustCompile(`<a href="/_sandbox/([^"]+)" rel="next">Older</a>`)
	for _, tt := range []struct {
		path, prefix string
		size, all    int
	}{
		{"payments", "pi_", 50, 120},
		{"events", "evt_", 50, 121},
		{"requests", "req_", 50, 121},
		{"requests?only=notable", "req_", 50, 121},
		{"customers/" + customer.ID, "pi_", 10, 120},
	} {
		seen := map[string]bool{}
		for path := tt.path; path != ""; {
			page := b.page(path)
			n := 0
			for _, found := range rows.FindAllStringSubmatch(page, -1) {
				if !strings.HasPrefix(found[1], tt.prefix) {
					continue
				}
				if seen[found[1]] {
					t.Errorf("%s: %s comes twice", path, found[1])
				}
				seen[found[1]] = true
				n++
			}
			if n > tt.size {
				t.Errorf("%s has %d rows, want %d at most", path, n, tt.size)
			}
			path = ""
			if next := older.FindStringSubmatch(page); next != nil {
				path = html.UnescapeString(next[1])
			}
		}
		if len(seen) != tt.all {
			t.Errorf("%s: the pages have %d rows, want %d", tt.path, len(seen), tt.all)
		}
	}
	if n := len(rows.FindAllString(b.page(""), -1)); n > 60 {
		t.Errorf("the overview has %d rows, want 60 at most", n)
	}
}

// What the pages load is there, with a type that a browser takes under nosniff.
func TestDashboardAssets(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	loads := regexp.MustCompile(`(?:src|<link [^>]*href)="([^"]+)"`).FindAllStringSubmatch(b.page(""), -1)
	types := map[string]string{".css": "css", ".js": "javascript", ".svg": "svg"}
	if len(loads) != len(types) {
		t.Fatalf("the page loads %v, want %d things", loads, len(types))
	}
	for _, load := range loads {
		response, _ := b.browse("GET", load[1], nil, nil)
		want := types[filepath.Ext(load[1])]
		if got := response.Header.Get("Content-Type"); response.StatusCode != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: got %d %q, want 200 and %s", load[1], response.StatusCode, got, want)
		}
	}
}

func TestBrowsersAreLedToTheDashboard(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, path := range []string{"/", "/_sandbox"} {
		if response, _ := b.browse("GET", path, nil, nil); response.StatusCode != 303 || response.Header.Get("Location") != "/_sandbox/" {
			t.Errorf("GET %s: got %d to %q, want 303 to /_sandbox/", path, response.StatusCode, response.Header.Get("Location"))
		}
	}
	if status, _, _ := b.raw("GET", "/", nil, map[string]string{"Accept": "text/html"}); status != 404 {
		t.Errorf("GET / with a key: got %d, want Stripe's 404", status)
	}
	if response, _ := b.browse("GET", "/", nil, http.Header{"Accept": {"*/*"}}); response.StatusCode != 401 {
		t.Errorf("GET / by a program without a key: got %d, want Stripe's 401", response.StatusCode)
	}
	in := b.intentIn("requires_action")
	if response, _ := b.browse("GET", "/_sandbox/payment_intents/"+in.ID+"/challenge", nil, nil); response.Header.Get("Location") != "/_sandbox/payments/"+in.ID {
		t.Errorf("the place of the challenge leads to %q, want the payment's page", response.Header.Get("Location"))
	}
}

// An open page is told at once that it is open, whenever something happens, and
// nothing more once the sandbox is closed.
func TestDashboardTellsOfChanges(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.url+"/_sandbox/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("got %q, want text/event-stream", got)
	}
	lines := make(chan string)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(response.Body)
		for scanner.Scan() {
			if scanner.Text() != "" {
				lines <- scanner.Text()
			}
		}
	}()
	next := func(what string) {
		t.Helper()
		select {
		case line := <-lines:
			if line != "data: changed" {
				t.Fatalf("%s: got %q, want data: changed", what, line)
			}
		case <-time.After(15 * time.Second):
			t.Fatalf("%s: nothing was told", what)
		}
	}
	next("opening")
	b.newIntent()
	next("a payment")
	b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}})
	next("a fault")
	b.submit("failures/disarm", url.Values{"fault": {"all"}})
	next("no fault")
	if err := b.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	for end := time.After(15 * time.Second); ; {
		select {
		case line, more := <-lines:
			if !more {
				return
			}
			if line != "data: changed" {
				t.Errorf("after Close: got %q, want the end", line)
			}
		case <-end:
			t.Fatal("the page is still told after Close")
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
