package sandbox

import (
	"net/url"
	"strconv"
	"time"
)

// faultText explains a kind of fault to people.
type faultText struct{ Title, Text string }

var faultTexts = map[FaultKind]faultText{
	FaultLostReply:    {"Reply lost", "The call is carried out; then the connection breaks amid the answer."},
	FaultErrorBefore:  {"500, nothing done", "The call is answered 500 and not carried out. The answer is kept for its idempotency key."},
	FaultErrorAfter:   {"500, but done", "The call is carried out and answered 500. The answer is kept for its idempotency key."},
	FaultRateLimit:    {"429 rate limit", "Too many calls: answered 429 rate_limit and not carried out."},
	FaultLockTimeout:  {"429 lock time-out", "The object is in use: answered 429 lock_timeout and not carried out."},
	FaultKeyInUse:     {"409 key in use", "The idempotency key is in use: answered 409 and not carried out."},
	FaultUnauthorized: {"401 key refused", "The secret key is refused: answered 401 and not carried out."},
	FaultDelay:        {"Slow", "The call is carried out after a wait. Meanwhile its object and its idempotency key are in use."},
	FaultHTML502:      {"502 of a proxy", "Answered 502 with a page of HTML, and not carried out."},
	FaultTruncated:    {"Half an answer", "The call is carried out; the answer ends in the middle."},
	FaultCutBody:      {"Body cut", "The call is carried out; the connection breaks after the headers and half of the body."},

	FaultEmailInvalid:       {"Email refused", "Calls that send an email are answered 400 email_invalid and not carried out."},
	FaultAmountTooSmall:     {"Amount refused", "Answered 400 amount_too_small and not carried out."},
	FaultIntentRateLimit:    {"Too many calls on an intent", "Answered 400 payment_intent_rate_limit_exceeded and not carried out."},
	FaultTestmodeOnly:       {"Account not activated", "Answered 400 testmode_charges_only and not carried out."},
	FaultAccountClosed:      {"Account closed", "Answered 400 account_closed and not carried out."},
	FaultCountryUnsupported: {"Country not supported", "Answered 400 country_unsupported and not carried out."},
	FaultKeyExpired:         {"Key of the platform expired", "Answered 400 platform_api_key_expired and not carried out."},

	FaultWebhookDuplicate:    {"Sent twice", "The event is delivered twice."},
	FaultWebhookDelay:        {"Sent late", "The event is delivered after a wait."},
	FaultWebhookReorder:      {"Out of order", "The event is held back until another one was sent."},
	FaultWebhookDrop:         {"Dropped", "The event is never delivered. Send it again by hand."},
	FaultWebhookWrongSecret:  {"Wrong signature", "One try is signed with another secret."},
	FaultWebhookOldTimestamp: {"Old signature", "One try is signed as of an hour ago."},
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
	// Where is what it strikes if nothing else is said. Wait is in seconds, ""
	// for a kind that does not wait.
	Where, Wait string
	On          []faultRow
}

type switchesBody struct {
	API, Webhooks []faultSwitch
	// Routes and Types are what patterns are mostly made of.
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
