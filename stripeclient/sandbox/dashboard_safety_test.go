package sandbox_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

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
	for _, path := range []string{"", "customers", "customers/" + customer.ID, "payments", "payments/" + in.ID, "events", "requests", "failures", "search?q=%3Cscript%3E"} {
		page := b.page(path)
		if n := strings.Count(page, "<script"); n != 2 {
			t.Errorf("/_sandbox/%s has %d scripts, want its own two", path, n)
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
	// Secrets where a program may put them by mistake.
	b.raw("GET", "/v1/payment_intents/"+in.ID+"?client_secret="+in.ClientSecret, nil, nil)
	b.raw("GET", "/v1/payment_intents/"+in.ClientSecret, nil, nil)
	b.raw("POST", "/v1/payment_intents", url.Values{"amount": {"1000"}, "currency": {"usd"}, "description": {testKey},
		"metadata[a]": {webhookSecret}}, map[string]string{"Idempotency-Key": testKey})
	b.raw("GET", "/v1/events", nil, map[string]string{"Authorization": "Bearer sk_test_anotherkey", "Stripe-Account": testKey})
	paths := []string{"", "payments", "charges", "customers", "events", "requests", "failures", "payments/" + in.ID,
		"search?q=" + in.ClientSecret[:len(in.ClientSecret)-1], "search?q=" + testKey}
	page := b.page("requests")
	for _, found := range rowIDs.FindAllStringSubmatch(page, -1) {
		paths = append(paths, "requests/"+found[1])
	}
	for _, in := range b.sandbox.Intents() {
		paths = append(paths, "payments/"+in.ID)
	}
	for _, e := range b.sandbox.Events() {
		paths = append(paths, "events/"+e.ID)
	}
	if len(paths) < 16 {
		t.Fatalf("got %d pages, want those of the requests and events too", len(paths))
	}
	for _, path := range paths {
		response, page := b.browse("GET", "/_sandbox/"+path, nil, nil)
		if response.StatusCode != 200 && response.StatusCode != 303 {
			t.Errorf("/_sandbox/%s: got %d, want a page", path, response.StatusCode)
		}
		for _, secret := range []string{in.ClientSecret, in.ClientSecret[len(in.ClientSecret)-20:], webhookSecret, testKey, "sk_test_anotherkey", "swordfish"} {
			if strings.Contains(page, secret) || strings.Contains(text(page), secret) {
				t.Errorf("/_sandbox/%s shows the secret %s", path, secret)
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

var rowIDs = regexp.MustCompile(`<tr id="row-(\w+)">`)

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
			for _, found := range rowIDs.FindAllStringSubmatch(page, -1) {
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
	if n := len(rowIDs.FindAllString(b.page(""), -1)); n > 60 {
		t.Errorf("the overview has %d rows, want 60 at most", n)
	}
}
