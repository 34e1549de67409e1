package sandbox

import (
	"fmt"
	"strings"
	"time"
)

// badge is a word and its colour: good, bad, busy, or plain.
type badge struct{ Word, Tone string }

type paymentRow struct {
	ID, Amount string
	Status     badge
	Customer   customerRow
	// Method is the card or account, such as "visa ···· 4242".
	Method string
	// Problem is why the last attempt failed, for people and for programs.
	Problem, ProblemCode string
	// Waits is the action of customer or bank that it waits for and that the page
	// offers: challenge, settle or "".
	Waits         string
	Capturable    string
	Charges       int
	ChargeID      string
	Description   string
	Created       time.Time
	CaptureMethod string
}

// paymentRow runs under Sandbox.mu, as do the other functions that make rows of
// objects.
func (s *Sandbox) paymentRow(id string) paymentRow {
	in, _ := s.state.intents.get(id)
	row := paymentRow{ID: id, Amount: amountText(in.Amount, in.Currency), Status: statusBadge(in.Status),
		Charges: len(s.state.charges.groups[id]), ChargeID: in.LatestCharge, Description: masked(in.Description),
		Created: time.Unix(in.Created, 0), CaptureMethod: in.CaptureMethod, Method: s.methodText(in.PaymentMethod)}
	if in.Customer != "" {
		row.Customer = s.customerRow(in.Customer)
	}
	if f := in.LastError; f != nil {
		row.Problem, row.ProblemCode = f.Message, codes(f.Code, f.DeclineCode)
		if row.Method == "" {
			row.Method = s.methodText(f.PaymentMethod)
		}
	}
	switch in.Status {
	case needsAction:
		row.Waits = "challenge"
	case processing:
		row.Waits = "settle"
	case needsCapture:
		row.Capturable = amountText(in.AmountCapturable, in.Currency)
	}
	return row
}

var tones = map[string]string{
	succeeded: "good", canceled: "plain", needsMethod: "plain", needsConfirmation: "plain",
	needsAction: "busy", processing: "busy", needsCapture: "busy", "failed": "bad", "pending": "busy",
}

func statusBadge(status string) badge {
	return badge{strings.ReplaceAll(status, "_", " "), tones[status]}
}

func (s *Sandbox) methodText(id string) string {
	method, ok := s.state.methods.get(id)
	if !ok {
		return ""
	}
	test := method.test()
	if test.debit {
		return "bank account ···· " + test.last4
	}
	return test.brand + " ···· " + test.last4
}

type chargeRow struct {
	ID, Amount, Payment, Method, Problem, ProblemCode string
	Status                                            badge
	// Key is the Idempotency-Key of the call that made it, Request its id.
	Key, Request  string
	Held          bool // authorised and not captured
	Authenticated bool
	Disputed      bool
	Created       time.Time
}

func (s *Sandbox) chargeRow(id string) chargeRow {
	ch, _ := s.state.charges.get(id)
	return chargeRow{ID: id, Amount: amountText(ch.Amount, ch.Currency), Payment: ch.Intent,
		Method: s.methodText(ch.PaymentMethod), Problem: ch.FailureMessage, ProblemCode: codes(ch.FailureCode, ch.DeclineCode),
		Status: statusBadge(ch.Status), Key: masked(ch.IdempotencyKey), Request: ch.RequestID,
		Held: ch.Status == "succeeded" && !ch.Captured, Authenticated: ch.Authenticated, Disputed: ch.Disputed,
		Created: time.Unix(ch.Created, 0)}
}

type customerRow struct {
	ID, Name, Email string
	Payments        int
	Deleted         bool
	Created         time.Time
}

func (s *Sandbox) customerRow(id string) customerRow {
	c, _ := s.state.customers.get(id)
	return customerRow{ID: id, Name: masked(c.Name), Email: masked(c.Email), Payments: len(s.state.intents.groups[id]),
		Deleted: c.Deleted, Created: time.Unix(c.Created, 0)}
}

type eventRow struct {
	ID, Type string
	// Subject is the payment or customer that it is about; SubjectPath is its
	// page, "" if there is no such page.
	Subject, SubjectPath string
	Request              string
	Created              time.Time
	Delivery             badge
	// Tries is how often it was sent since the start, Answer the last outcome.
	Tries  int
	Answer string
	// Sendable is true when there is a webhook to send it to.
	Sendable bool
}

func (s *Sandbox) eventRow(id string) eventRow {
	e, _ := s.state.events.get(id)
	tries := s.history.triesOf(id)
	row := eventRow{ID: id, Type: e.Type, Subject: e.subject(), Request: e.RequestID, Created: time.Unix(e.Created, 0),
		Delivery: s.delivery(id, tries), Tries: tries.count, Sendable: s.outbox != nil, SubjectPath: objectPath(e.subject())}
	if n := len(tries.newest); n > 0 {
		row.Answer = tries.newest[n-1].text()
	}
	return row
}

// deliveryWords are all words that delivery returns.
var deliveryWords = []string{"delivered", "being sent", "held back", "not delivered", "dropped", "not pending", "no webhook"}

// delivery reports how far an event has come.
func (s *Sandbox) delivery(id string, tries seenTries) badge {
	owed, isOwed := s.state.deliveries.get(id)
	switch n := len(tries.newest); {
	case owed.Dropped:
		return badge{"dropped", "bad"}
	case isOwed && n > 0 && tries.newest[n-1].failed():
		return badge{"not delivered", "bad"}
	case isOwed && n > 0 && tries.newest[n-1].waits():
		return badge{"held back", "busy"}
	case isOwed:
		return badge{"being sent", "busy"}
	case n > 0:
		return badge{"delivered", "good"}
	case s.outbox == nil:
		return badge{"no webhook", "plain"}
	}
	// Delivered before the start, or there was no webhook then.
	return badge{"not pending", "plain"}
}

// waits reports whether a fault holds the delivery back.
func (t seenTry) waits() bool {
	return t.fault == FaultWebhookDelay || t.fault == FaultWebhookReorder
}

func (t seenTry) failed() bool { return t.status != 0 && !t.ok() || t.problem != "" }

// text is the outcome of a try in a few words.
func (t seenTry) text() string {
	switch {
	case t.fault == FaultWebhookDrop:
		return "dropped"
	case t.waits():
		return "held back"
	case t.problem != "":
		return t.problem
	}
	return fmt.Sprintf("answered %d", t.status)
}

type tryRow struct {
	At      time.Time
	Took    time.Duration
	Outcome badge
	// Body is the beginning of an answer that was not 2xx.
	Body  string
	Fault string
}

// tryRows returns the rows of tries, newest first.
func tryRows(tries seenTries) []tryRow {
	var rows []tryRow
	for i := len(tries.newest) - 1; i >= 0; i-- {
		t := tries.newest[i]
		tone, fault := "bad", faultTexts[t.fault].Title
		if t.fault == FaultWebhookDrop {
			fault = "" // the outcome says it
		}
		switch {
		case t.ok():
			tone = "good"
		case t.waits():
			tone = "busy"
		}
		rows = append(rows, tryRow{t.at, t.took, badge{t.text(), tone}, masked(t.answer), fault})
	}
	return rows
}

type requestRow struct {
	ID, Method, Path, Key string
	At                    time.Time
	Took                  time.Duration
	Slow                  bool
	Outcome               badge
	// Code is the error's. Object is the object of the response, and ObjectPath
	// its page.
	Code, Object, ObjectPath string
	ReplayOf                 string
	// Fault names the fault that changed the call, "" for none.
	Fault  string
	Events int
}

func requestRows(calls []seenCall) []requestRow {
	var rows []requestRow
	for _, c := range calls {
		row := requestRow{ID: c.id, Method: c.method, Path: masked(c.path), Key: masked(c.key), At: c.at, Took: c.took,
			Slow:    c.took >= 100*time.Millisecond,
			Outcome: badge{fmt.Sprint(c.status), "good"}, Code: codes(c.Code, c.DeclineCode), Object: masked(c.Object),
			ObjectPath: objectPath(c.Object), ReplayOf: c.replayOf, Fault: c.strike.text(), Events: len(c.events)}
		switch {
		case c.strike.kind == FaultLostReply || c.status >= 500:
			row.Outcome.Tone = "bad"
		case c.status >= 400:
			row.Outcome.Tone = "busy"
		}
		rows = append(rows, row)
	}
	return rows
}

// text names the faults.
func (st strike) text() string {
	var parts []string
	if st.delay > 0 {
		parts = append(parts, "delayed "+st.delay.String())
	}
	if st.kind != "" {
		parts = append(parts, faultTexts[st.kind].Title)
	}
	return strings.Join(parts, ", ")
}

// objectPath is the page of an object or of a request, "" if there is no such page.
func objectPath(id string) string {
	if masked(id) != id {
		return "" // a secret that was sent as an id
	}
	for prefix, path := range map[string]string{"pi_": "payments/", "cus_": "customers/", "ch_": "charges/", "evt_": "events/", "req_": "requests/"} {
		if strings.HasPrefix(id, prefix) {
			return controlPrefix + path + id
		}
	}
	return ""
}
