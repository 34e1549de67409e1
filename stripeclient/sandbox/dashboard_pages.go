package sandbox

import (
	"fmt"
	"html/template"
	"net/http"
)

// The number of rows of a list: on its own page, and as a part of another page.
const (
	longList  = 50
	shortList = 10
)

// view is what one page shows.
type view struct {
	title, template string
	// section is the entry of the navigation that it is under.
	section string
	// notice is an error message, "" for none.
	notice string
	// redirect is the path of another page to show instead, "" for none.
	redirect string
	body     any
}

// shell holds what all pages show, and the body of one.
type shell struct {
	Title, Section, Notice string
	// Here is the page's own path, which forms lead back to.
	Here string
	// Query is the text of the search.
	Query string
	// News is read by screen readers when it changes.
	News     string
	Sections []section
	Webhook  string
	Version  string
	Faults   []faultRow
	Body     any
}

// section is an entry of the navigation. Count is -1 for an entry without one.
type section struct {
	Key, Name, Path string
	Count           int
}

func (s *Sandbox) shell(r *http.Request, v view) shell {
	out := shell{Title: v.title, Section: v.section, Notice: v.notice, Here: masked(r.URL.RequestURI()), Version: APIVersion,
		Faults: s.faultRows(), Body: v.body}
	if r.Method == http.MethodPost {
		out.Here = back(r)
	}
	if v.template == "search" {
		out.Query = masked(shortened(r.URL.Query().Get("q")))
	}
	if s.outbox != nil {
		out.Webhook = s.outbox.address()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Sections = []section{
		{"1", "Overview", "/_sandbox/", -1},
		{"2", "Payments", "/_sandbox/payments", len(s.state.intents.ids)},
		{"3", "Charges", "/_sandbox/charges", len(s.state.charges.ids)},
		{"4", "Customers", "/_sandbox/customers", len(s.state.customers.ids)},
		{"5", "Events", "/_sandbox/events", len(s.state.events.ids)},
		{"6", "Requests", "/_sandbox/requests", s.history.callCount()},
		{"7", "Failures", "/_sandbox/failures", -1},
	}
	if n := len(s.state.events.ids); n > 0 {
		newest := s.state.events.rows[s.state.events.ids[n-1]]
		out.News = fmt.Sprintf("Newest event: %s, %s. ", newest.Type, newest.subject())
	}
	if n := len(out.Faults); n > 0 {
		out.News += fmt.Sprintf("Failures switched on: %d.", n)
	}
	return out
}

type overviewBody struct {
	Payments  []paymentRow
	Charges   []chargeRow
	Customers []customerRow
	Events    []eventRow
	Requests  []requestRow
}

func (s *Sandbox) overviewPage(*http.Request) (view, error) {
	requests := requestRows(s.history.callsFrom(0, 2*shortList, seenCall.notable))
	s.mu.Lock()
	defer s.mu.Unlock()
	return view{title: "Overview", template: "overview", section: "Overview", body: overviewBody{
		Payments:  rowsOf(newest(s.state.intents.ids, 0, shortList, nil).ids, s.paymentRow),
		Charges:   rowsOf(newest(s.state.charges.ids, 0, shortList, nil).ids, s.chargeRow),
		Customers: rowsOf(newest(s.state.customers.ids, 0, shortList, nil).ids, s.customerRow),
		Events:    rowsOf(newest(s.state.events.ids, 0, shortList, nil).ids, s.eventRow),
		Requests:  requests,
	}}, nil
}

// objectBody is the page of one object: what it is, its JSON, and its history.
type objectBody struct {
	ID      string
	Payment *paymentRow
	Charge  *chargeRow
	Person  *customerRow
	Event   *eventRow
	JSON    []piece
	// The parts of the history, each with its own pages.
	Payments    []paymentRow
	Charges     []chargeRow
	Events      []eventRow
	Requests    []requestRow
	OfPayments  pager
	OfCharges   pager
	OfEvents    pager
	Tries       []tryRow
	TriesBefore int
}

func (s *Sandbox) paymentPage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	body := objectBody{ID: id, Requests: s.requestsAbout(id)}
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.state.intents.get(id)
	if !ok {
		return view{}, fmt.Errorf("payment: %w", ErrNotFound)
	}
	row := s.paymentRow(id)
	body.Payment, body.JSON = &row, s.linked(string(encode(s.state.renderIntent(in))), id)
	charges := window(s.state.charges.groups[id], r, "charges", shortList, nil)
	body.Charges, body.OfCharges = rowsOf(charges.ids, s.chargeRow), charges.pager
	events := window(s.state.events.groups[id], r, "events", shortList, nil)
	body.Events, body.OfEvents = rowsOf(events.ids, s.eventRow), events.pager
	return view{title: "Payment " + row.Amount, template: "payment", section: "Payments", body: body}, nil
}

func (s *Sandbox) chargePage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch, ok := s.state.charges.get(id)
	if !ok {
		return view{}, fmt.Errorf("charge: %w", ErrNotFound)
	}
	row := s.chargeRow(id)
	body := objectBody{ID: id, Charge: &row, JSON: s.linked(string(encode(s.state.renderCharge(ch))), id)}
	events := window(s.state.events.groups[ch.Intent], r, "events", shortList, nil)
	body.Events, body.OfEvents = rowsOf(events.ids, s.eventRow), events.pager
	return view{title: "Charge " + row.Amount, template: "charge", section: "Charges", body: body}, nil
}

func (s *Sandbox) customerPage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	body := objectBody{ID: id, Requests: s.requestsAbout(id)}
	s.mu.Lock()
	defer s.mu.Unlock()
	customer, ok := s.state.customers.get(id)
	if !ok {
		return view{}, fmt.Errorf("customer: %w", ErrNotFound)
	}
	row := s.customerRow(id)
	body.Person, body.JSON = &row, s.linked(string(encode(customer.render())), id)
	payments := window(s.state.intents.groups[id], r, "payments", shortList, nil)
	body.Payments, body.OfPayments = rowsOf(payments.ids, s.paymentRow), payments.pager
	events := window(s.state.events.groups[id], r, "events", shortList, nil)
	body.Events, body.OfEvents = rowsOf(events.ids, s.eventRow), events.pager
	return view{title: "Customer", template: "customer", section: "Customers", body: body}, nil
}

func (s *Sandbox) eventPage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	tries := s.history.triesOf(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.state.events.get(id)
	if !ok {
		return view{}, fmt.Errorf("event: %w", ErrNotFound)
	}
	row := s.eventRow(id)
	body := objectBody{ID: id, Event: &row, JSON: s.linked(string(encode(s.state.renderEvent(e))), id),
		Tries: tryRows(tries), TriesBefore: tries.count - len(tries.newest)}
	return view{title: "Event " + e.Type, template: "event", section: "Events", body: body}, nil
}

func (s *Sandbox) failuresPage(*http.Request) (view, error) {
	return view{title: "Failures", template: "failures", section: "Failures", body: s.switches()}, nil
}

// templates are all pages and their parts. They escape all values.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"dict": dict, "at": at, "took": took, "words": words,
}).ParseFS(pageFiles, "dashboard/*.html"))

// dict makes a map, so that a part of a page can take several values.
func dict(pairs ...any) (map[string]any, error) {
	values := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("name %v is not a string", pairs[i])
		}
		values[name] = pairs[i+1]
	}
	return values, nil
}
