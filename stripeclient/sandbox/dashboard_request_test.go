package sandbox_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// part is the text of a section of a page.
func part(page, id string) string {
	_, rest, _ := strings.Cut(page, fmt.Sprintf(`<section id="%s"`, id))
	inside, _, _ := strings.Cut(rest, "</section>")
	_, inside, _ = strings.Cut(inside, ">")
	return text(inside)
}

func TestRequestPageShowsParametersAndResponse(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	customer, err := b.api.Customers.New(nil)
	must(t, customer, err)
	form := url.Values{"amount": {"2000"}, "currency": {"usd"}, "customer": {customer.ID}, "metadata[order id]": {"Ä & 1"}}
	_, header, body := b.raw("POST", "/v1/payment_intents?expand[]=customer", form, map[string]string{"Idempotency-Key": "the-key", "Stripe-Version": sandbox.APIVersion})
	first, in := header.Get("Request-Id"), body["id"].(string)
	page := b.page("requests/" + first)
	wantText(t, "parameters", part(page, "params"), "expand[] customer", "amount 2000", "currency usd", "customer "+customer.ID, "metadata[order id] Ä & 1")
	wantText(t, "request headers", part(page, "sent"), "Authorization ********", "Idempotency-Key the-key", "Stripe-Version 2023-10-16", "Content-Type application/x-www-form-urlencoded")
	wantText(t, "response headers", part(page, "received"), "Idempotency-Key the-key", "Original-Request "+first, "Request-Id "+first, "Stripe-Should-Retry false")
	wantText(t, "response", part(page, "response"), `"object": "payment_intent"`, `"amount": 2000`, `"order id": "Ä & 1"`, in+"_secret_****")
	wantText(t, "links", page, `<a href="/_sandbox/payments/`+in+`">`, `<a href="/_sandbox/customers/`+customer.ID+`">`, `data-copy="the-key"`, `data-copy="`+first+`"`)
	wantText(t, "events", part(page, "events"), "payment_intent.created")

	_, header, _ = b.raw("POST", "/v1/payment_intents?expand[]=customer", form, map[string]string{"Idempotency-Key": "the-key"})
	replay := b.page("requests/" + header.Get("Request-Id"))
	wantText(t, "a replay", part(replay, "received"), "Idempotent-Replayed true", "Original-Request "+first)
	wantText(t, "a replay", part(replay, "response"), `"amount": 2000`)
	wantText(t, "a replay", replay, `<a href="/_sandbox/requests/`+first+`">`)

	_, header, _ = b.raw("POST", "/v1/payment_intents/"+b.newIntent().ID+"/confirm", url.Values{"payment_method": {"pm_card_chargeDeclined"}}, nil)
	declined := b.page("requests/" + header.Get("Request-Id"))
	wantText(t, "a decline", part(declined, "response"), `"code": "card_declined"`, `"decline_code": "generic_decline"`)

	_, header, _ = b.raw("GET", "/v1/payment_intents", nil, nil)
	list := b.page("requests/" + header.Get("Request-Id"))
	wantText(t, "a list", part(list, "params"), "No parameters were sent.")
	wantText(t, "a list", list, `<a href="/_sandbox/payments/`+in+`">`)
}

func TestRequestPageOfRefusedAndBrokenCalls(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true
	newest := func() string {
		t.Helper()
		return b.page("requests/" + rowIDs.FindStringSubmatch(b.page("requests"))[1])
	}
	b.raw("POST", "/v1/customers", url.Values{"name": {"Ada"}}, map[string]string{"Content-Type": "application/json"})
	page := newest()
	wantText(t, "a body of another type", part(page, "params"), "name=Ada")
	wantText(t, "a body of another type", part(page, "response"), "invalid_request_error")
	b.raw("POST", "/v1/customers", url.Values{"name": {"Ada"}}, map[string]string{"Authorization": "Bearer nonsense-of-a-key"})
	page = newest()
	wantText(t, "a wrong key", part(page, "sent"), "Authorization ********")
	wantText(t, "a wrong key", part(page, "params"), "The call was refused before its body of 8 bytes was read.")
	wantText(t, "a wrong key", part(page, "response"), "Invalid API Key provided")

	for kind, want := range map[sandbox.FaultKind]string{
		sandbox.FaultLostReply: "The connection was cut: the caller received none of this.",
		sandbox.FaultTruncated: "The caller received the first half of this body.",
		sandbox.FaultCutBody:   "then the connection was cut.",
		sandbox.FaultHTML502:   "502 Bad Gateway",
	} {
		if err := b.sandbox.AddFault(sandbox.Fault{Match: "POST /v1/customers", Kind: kind}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.api.Customers.New(nil); err == nil {
			t.Fatalf("%s: got no error", kind)
		}
		wantText(t, string(kind), part(newest(), "response"), want)
	}
	wantText(t, "the proxy's headers", b.page("requests?status=failure"), "502 from a proxy")
}

// wantNote looks for a text in a long part of a page.
func wantNote(t *testing.T, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("got %d characters that end in %q, want %q in them", len(got), got[max(0, len(got)-100):], want)
	}
}

// What is kept of parameters and responses is bounded per request and in total.
func TestRequestPagesAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	b.broken = true // checking large bodies against the schema is slow
	long := url.Values{"description": {strings.Repeat("x", 400)}}
	for i := range 40 {
		long.Set(fmt.Sprintf("metadata[key%d]", i), strings.Repeat("v", 490))
	}
	status, header, _ := b.raw("POST", "/v1/customers", long, nil)
	if status != 200 {
		t.Fatalf("got %d, want a customer", status)
	}
	first := header.Get("Request-Id")
	wantNote(t, part(b.page("requests/"+first), "params"), "Only the first 16384 of ")
	for range 4 {
		b.raw("POST", "/v1/customers", long, nil)
	}
	_, header, _ = b.raw("GET", "/v1/customers", nil, nil)
	wantNote(t, part(b.page("requests/"+header.Get("Request-Id")), "response"), "Only the first 65536 of ")
	// 16 MiB in total: at 64 KiB each the last 256.
	for range 300 {
		b.raw("GET", "/v1/customers", nil, nil)
	}
	wantText(t, "the first request", text(b.page("requests/"+first)), "POST /v1/customers", "no longer kept")
	wantNote(t, part(b.page("requests/"+rowIDs.FindStringSubmatch(b.page("requests"))[1]), "response"), `"data": [`)
}
