package sandbox

import (
	"net/url"
	"strconv"
	"time"
)

// faultText explains a kind of fault to people.
type faultText struct{ Title, Text string }

var faultTexts = map[FaultKind]faultText{
	FaultLostReply:    {"Reply lost", "The call is executed; then the connection breaks in the middle of the response headers."},
	FaultErrorBefore:  {"500, not executed", "Returns 500 and executes nothing. The response is saved for the idempotency key."},
	FaultErrorAfter:   {"500, but executed", "The call is executed and returns 500. The response is saved for the idempotency key."},
	FaultRateLimit:    {"429 rate limit", "Too many calls: returns 429 rate_limit and executes nothing."},
	FaultLockTimeout:  {"429 lock time-out", "The object is in use: returns 429 lock_timeout and executes nothing."},
	FaultKeyInUse:     {"409 key in use", "The idempotency key is in use: returns 409 and executes nothing."},
	FaultUnauthorized: {"401 key refused", "The secret key is refused: returns 401 and executes nothing."},
	FaultDelay:        {"Slow", "The call is executed after a wait. During the wait its object and its idempotency key are in use."},
	FaultHTML502:      {"502 from a proxy", "Returns 502 with an HTML page and executes nothing."},
	FaultTruncated:    {"Half a response", "The call is executed; the response body ends in the middle."},
	FaultCutBody:      {"Body cut", "The call is executed; the connection breaks after the headers and half of the body."},

	FaultEmailInvalid:       {"Email refused", "Calls that send an email return 400 email_invalid and execute nothing."},
	FaultAmountTooSmall:     {"Amount refused", "Returns 400 amount_too_small and executes nothing."},
	FaultIntentRateLimit:    {"Too many calls on a payment", "Returns 400 payment_intent_rate_limit_exceeded and executes nothing."},
	FaultTestmodeOnly:       {"Account not activated", "Returns 400 testmode_charges_only and executes nothing."},
	FaultAccountClosed:      {"Account closed", "Returns 400 account_closed and executes nothing."},
	FaultCountryUnsupported: {"Country not supported", "Returns 400 country_unsupported and executes nothing."},
	FaultKeyExpired:         {"Platform key expired", "Returns 400 platform_api_key_expired and executes nothing."},

	FaultWebhookDuplicate:    {"Sent twice", "The event is delivered twice."},
	FaultWebhookDelay:        {"Sent late", "The event is delivered after a wait."},
	FaultWebhookReorder:      {"Out of order", "The event is held back until another event was sent."},
	FaultWebhookDrop:         {"Dropped", "The event is never delivered. You can send it again from its page."},
	FaultWebhookWrongSecret:  {"Wrong signature", "One delivery is signed with another secret."},
	FaultWebhookOldTimestamp: {"Old signature", "One delivery is signed with a timestamp that is an hour old."},
}

// faultRow is a fault that is on.
type faultRow struct {
	Number                int
	Kind                  FaultKind
	Title, Match          string
	Times                 int // that are left, 0 for no end
	Struck, ChancePercent int
	Delay                 time.Duration
}

func (s *Sandbox) faultRows() []faultRow {
	var rows []faultRow
	for _, f := range s.faults.all() {
		row := faultRow{Number: f.number, Kind: f.Kind, Title: faultTexts[f.Kind].Title, Match: f.Match,
			Times: f.Times, Struck: f.struck, ChancePercent: 100, Delay: f.Delay}
		if f.Probability > 0 {
			row.ChancePercent = int(f.Probability*100 + 0.5)
		}
		rows = append(rows, row)
	}
	return rows
}

// faultSwitch is a kind of fault that can be switched on.
type faultSwitch struct {
	Kind FaultKind
	faultText
	// Where is the default of what it strikes. Wait is in seconds, "" for a kind
	// that does not wait.
	Where, Wait string
	On          []faultRow
}

type switchesBody struct {
	API, Webhooks []faultSwitch
	// Routes and Types are suggestions for the patterns.
	Routes, Types []string
}

func (s *Sandbox) switches() switchesBody {
	on := map[FaultKind][]faultRow{}
	for _, row := range s.faultRows() {
		on[row.Kind] = append(on[row.Kind], row)
	}
	body := switchesBody{
		Routes: []string{"* /v1/*", "* /v1/*/*", "* /v1/*/*/*"},
		Types:  []string{"*", "payment_intent.*", "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.requires_action", "charge.*", "customer.*"},
	}
	for _, route := range routes {
		body.Routes = append(body.Routes, route.String())
	}
	for _, kind := range apiFaults {
		f := faultSwitch{Kind: kind, faultText: faultTexts[kind], Where: "POST /v1/payment_intents/*/confirm", On: on[kind]}
		switch kind {
		case FaultDelay:
			f.Wait = "2"
		case FaultEmailInvalid:
			f.Where = "POST /v1/customers"
		}
		body.API = append(body.API, f)
	}
	for _, kind := range webhookFaults {
		f := faultSwitch{Kind: kind, faultText: faultTexts[kind], Where: "*", On: on[kind]}
		switch kind {
		case FaultWebhookDelay:
			f.Wait = "5"
		case FaultWebhookReorder:
			f.Wait = strconv.Itoa(int(reorderWait / time.Second))
		}
		body.Webhooks = append(body.Webhooks, f)
	}
	return body
}

// address is where webhooks go, without what may be secret in a URL.
func (o *outbox) address() string {
	u, err := url.Parse(o.url)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}
