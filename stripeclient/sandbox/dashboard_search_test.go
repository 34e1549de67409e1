package sandbox_test

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// account has two customers: Ada with a payment that succeeded and one that was
// declined, and Bob with a new one. A third payment belongs to nobody.
type account struct {
	*bench
	ada, bob                    string
	paid, declined, open, alone string
}

func newAccount(t *testing.T) account {
	t.Helper()
	a := account{bench: setup(t, sandbox.Config{})}
	person := func(name, email, user string) string {
		params := &stripe.CustomerParams{Name: stripe.String(name), Email: stripe.String(email)}
		params.AddMetadata("userId", user)
		c, err := a.api.Customers.New(params)
		return must(t, c, err).ID
	}
	pay := func(customer, cuid, method string) string {
		params := intent()
		if customer != "" {
			params.Customer = &customer
		}
		params.AddMetadata("cuid", cuid)
		in, err := a.api.PaymentIntents.New(params)
		must(t, in, err)
		if method != "" {
			_, _ = a.api.PaymentIntents.Confirm(in.ID, with(method)) // the decline is an error
		}
		return in.ID
	}
	a.ada = person("Ada Lovelace", "ada@example.com", "65f0a1")
	a.bob = person("Bob", "bob@example.net", "65f0b2")
	a.paid = pay(a.ada, "cuid-paid", "pm_card_visa")
	a.declined = pay(a.ada, "cuid-declined", "pm_card_chargeDeclined")
	a.open = pay(a.bob, "cuid-open", "")
	a.alone = pay("", "cuid-alone", "")
	return a
}

// rows are the ids of the objects that a page lists.
func rows(page string) []string {
	var ids []string
	for _, found := range rowIDs.FindAllStringSubmatch(page, -1) {
		ids = append(ids, found[1])
	}
	return ids
}

func TestSearchOpensTheObjectWithTheID(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	charge, event := a.sandbox.Charges()[0].ID, a.sandbox.Events()[0].ID
	request := rows(a.page("requests"))[0]
	secret := a.sandbox.Intents()[0].ClientSecret
	for id, want := range map[string]string{
		a.paid: "payments/" + a.paid, charge: "charges/" + charge, a.ada: "customers/" + a.ada,
		event: "events/" + event, request: "requests/" + request, " " + a.paid + "\n": "payments/" + a.paid,
		secret: "payments/" + a.paid,
	} {
		response, _ := a.browse("GET", "/_sandbox/search?q="+url.QueryEscape(id), nil, nil)
		if got := response.Header.Get("Location"); response.StatusCode != 303 || got != "/_sandbox/"+want {
			t.Errorf("%s: got %d to %q, want 303 to %s", id, response.StatusCode, got, want)
		}
	}
}

func TestSearchFindsByWhatIsWritten(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	for _, tt := range []struct {
		name, query string
		want, not   []string
	}{
		{"our user's id", "65f0a1", []string{a.ada}, []string{a.bob}},
		{"a payment's cuid", "cuid-paid", []string{a.paid, a.sandbox.Charges()[0].ID}, []string{a.declined, a.open}},
		{"a part of a name in other letters", "LOVEL", []string{a.ada}, []string{a.bob}},
		{"an email", "bob@example.net", []string{a.bob}, []string{a.ada}},
		{"the beginning of an id", a.open[:12], []string{a.open}, []string{a.paid}},
		{"a status", "requires_payment_method", []string{a.open, a.alone, a.declined}, []string{a.paid}},
		{"a decline code", "generic_decline", []string{a.declined, a.sandbox.Charges()[1].ID}, []string{a.paid}},
		{"an idempotency key", a.sandbox.Charges()[0].IdempotencyKey, []string{a.sandbox.Charges()[0].ID}, []string{a.declined}},
	} {
		page := a.page("search?q=" + url.QueryEscape(tt.query))
		got := rows(page)
		for _, id := range tt.want {
			if !slices.Contains(got, id) {
				t.Errorf("%s: got %v, want %s in it", tt.name, got, id)
			}
		}
		for _, id := range tt.not {
			if slices.Contains(got, id) {
				t.Errorf("%s: got %v, want it without %s", tt.name, got, id)
			}
		}
		wantText(t, tt.name, page, `value="`+tt.query+`"`)
	}
	wantText(t, "nothing found", text(a.page("search?q=nothing-like-this")), "Nothing matches.")
	if got := rows(a.page("search?q=")); len(got) != 0 {
		t.Errorf("an empty search found %v, want nothing", got)
	}
	wantText(t, "an empty search", text(a.page("search?q=+")), "A complete id opens its page.")
}

func TestListsAreFiltered(t *testing.T) {
	t.Parallel()
	a := newAccount(t)
	charges := a.sandbox.Charges()
	for _, tt := range []struct {
		path string
		want []string
	}{
		{"payments?status=succeeded", []string{a.paid}},
		{"payments?status=requires_payment_method", []string{a.alone, a.open, a.declined}},
		{"payments?customer=" + a.ada, []string{a.declined, a.paid}},
		{"payments?customer=LOVELACE&status=succeeded", []string{a.paid}},
		{"payments?customer=example.net&status=", []string{a.open}},
		{"payments?customer=65f0b2", []string{a.open}},
		{"payments?customer=nobody", nil},
		{"charges?status=failed", []string{charges[1].ID}},
		{"charges?customer=ada%40example.com", []string{charges[1].ID, charges[0].ID}},
		{"charges?customer=bob", nil},
		{"customers?customer=bob", []string{a.bob}},
		{"customers?status=deleted", nil},
		{"customers?status=active", []string{a.bob, a.ada}},
	} {
		if got := rows(a.page(tt.path)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.path, got, tt.want)
		}
	}
	for path, want := range map[string]string{"events?type=payment_intent.succeeded": "payment_intent.succeeded", "events?customer=" + a.bob + "&type=created": "customer.created"} {
		page := text(a.page(path))
		wantText(t, path, page, want)
		if strings.Contains(page, "charge.failed") {
			t.Errorf("%s: got an event that is filtered out", path)
		}
	}
	if got := rows(a.page("events?status=delivered")); len(got) != 0 {
		t.Errorf("delivered events: got %v, want none without a webhook", got)
	}
	wantText(t, "refused requests", text(a.page("requests?status=4xx")), "402")
	if got := len(rows(a.page("requests?status=4xx"))); got != 1 {
		t.Errorf("got %d refused requests, want 1", got)
	}
	if got := len(rows(a.page("requests?customer=bob"))); got != 2 {
		t.Errorf("got %d requests of Bob's, want customer and payment", got)
	}
	wantText(t, "no match", text(a.page("charges?customer=bob")), "Nothing matches the filter.", "Clear")
	if response, _ := a.browse("GET", "/_sandbox/payments?status=paid", nil, nil); response.StatusCode != 400 {
		t.Errorf("unknown status: got %d, want 400", response.StatusCode)
	}
}

// The pages of a filtered list keep the filter and have every match once.
func TestFilteredListsHavePages(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	want := map[string]bool{}
	for i := range 130 {
		in := b.newIntent()
		if i%2 == 0 {
			_, err := b.api.PaymentIntents.Cancel(in.ID, nil)
			must(t, in, err)
			want[in.ID] = true
		}
	}
	older := regexp.MustCompile(`<a href="/_sandbox/([^"]+)" rel="next">`)
	pages, path := 0, "payments?status=canceled"
	for ; path != ""; pages++ {
		page := b.page(path)
		for _, id := range rows(page) {
			if !want[id] {
				t.Errorf("%s has %s, which is no match or came before", path, id)
			}
			delete(want, id)
		}
		path = ""
		if next := older.FindStringSubmatch(page); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	if pages != 2 || len(want) != 0 {
		t.Errorf("got %d pages without %d matches, want 2 pages with all", pages, len(want))
	}
}
