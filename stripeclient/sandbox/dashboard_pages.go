package sandbox

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

// How many rows lists have: a page of their own, and a part of another page.
const (
	longList  = 50
	shortList = 10
)

// view is what one page shows.
type view struct {
	title, template string
	// section is the entry of the navigation that it is under.
	section string
	// notice is what went wrong.
	notice string
	body   any
}

// shell is what all pages show, and the body of one.
type shell struct {
	Title, Section, Notice string
	// Here is the page's own path, which forms lead back to.
	Here string
	// News is what a screen reader says when it changes.
	News     string
	Sections []section
	Webhook  string
	Version  string
	Faults   []faultRow
	Body     any
}

// section is an entry of the navigation. Count is -1 where nothing is counted.
type section struct {
	Key, Name, Path string
	Count           int
}

func (s *Sandbox) shell(r *http.Request, v view) shell {
	out := shell{Title: v.title, Section: v.section, Notice: v.notice, Here: r.URL.RequestURI(), Version: APIVersion,
		Faults: s.faultRows(), Body: v.body}
	if r.Method == http.MethodPost {
		out.Here = back(r)
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
		Payments:  rowsOf(newest(s.state.intents.ids, 0, shortList).ids, s.paymentRow),
		Charges:   rowsOf(newest(s.state.charges.ids, 0, shortList).ids, s.chargeRow),
		Customers: rowsOf(newest(s.state.customers.ids, 0, shortList).ids, s.customerRow),
		Events:    rowsOf(newest(s.state.events.ids, 0, shortList).ids, s.eventRow),
		Requests:  requests,
	}}, nil
}

// listBody is a page of a list.
type listBody[R any] struct {
	Rows []R
	pager
}

func listPage[R any](s *Sandbox, r *http.Request, ids func() []string, row func(string) R, name string) (view, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := window(ids(), r, "from", longList)
	return view{title: name, template: strings.ToLower(name), section: name,
		body: listBody[R]{rowsOf(w.ids, row), w.pager}}, nil
}

func (s *Sandbox) paymentsPage(r *http.Request) (view, error) {
	return listPage(s, r, func() []string { return s.state.intents.ids }, s.paymentRow, "Payments")
}

func (s *Sandbox) chargesPage(r *http.Request) (view, error) {
	return listPage(s, r, func() []string { return s.state.charges.ids }, s.chargeRow, "Charges")
}

func (s *Sandbox) customersPage(r *http.Request) (view, error) {
	return listPage(s, r, func() []string { return s.state.customers.ids }, s.customerRow, "Customers")
}

func (s *Sandbox) eventsPage(r *http.Request) (view, error) {
	return listPage(s, r, func() []string { return s.state.events.ids }, s.eventRow, "Events")
}

type requestsBody struct {
	listBody[requestRow]
	// Notable: reads that went well are left out.
	Notable bool
}

// requestsPage pages by the number of the request.
func (s *Sandbox) requestsPage(r *http.Request) (view, error) {
	last := pageStart(r, "from")
	body := requestsBody{Notable: r.URL.Query().Get("only") == "notable"}
	calls := s.history.callsFrom(last, longList+1, func(c seenCall) bool { return !body.Notable || c.notable() })
	if len(calls) > longList {
		body.Older = link(r, "from", calls[longList].number)
		calls = calls[:longList]
	}
	if last > 0 {
		body.Newest = link(r, "from", 0)
	}
	body.Rows = requestRows(calls)
	return view{title: "Requests", template: "requests", section: "Requests", body: body}, nil
}

// objectBody is the page of one object: what it is, its JSON, and its history.
type objectBody struct {
	ID      string
	Payment *paymentRow
	Charge  *chargeRow
	Person  *customerRow
	Event   *eventRow
	Request *requestRow
	JSON    string
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
	body.Payment, body.JSON = &row, string(encode(s.state.renderIntent(in)))
	charges := window(s.state.charges.groups[id], r, "charges", shortList)
	body.Charges, body.OfCharges = rowsOf(charges.ids, s.chargeRow), charges.pager
	events := window(s.state.events.groups[id], r, "events", shortList)
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
	body := objectBody{ID: id, Charge: &row, JSON: string(encode(s.state.renderCharge(ch)))}
	events := window(s.state.events.groups[ch.Intent], r, "events", shortList)
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
	body.Person, body.JSON = &row, string(encode(customer.render()))
	payments := window(s.state.intents.groups[id], r, "payments", shortList)
	body.Payments, body.OfPayments = rowsOf(payments.ids, s.paymentRow), payments.pager
	events := window(s.state.events.groups[id], r, "events", shortList)
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
	body := objectBody{ID: id, Event: &row, JSON: string(encode(s.state.renderEvent(e))),
		Tries: tryRows(tries), TriesBefore: tries.count - len(tries.newest)}
	return view{title: "Event " + e.Type, template: "event", section: "Events", body: body}, nil
}

func (s *Sandbox) requestPage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	calls := s.history.callsFrom(0, 1, func(c seenCall) bool { return c.id == id })
	if len(calls) == 0 {
		return view{}, fmt.Errorf("request: %w (the newest %d since the start are kept)", ErrNotFound, callsKept)
	}
	row := requestRows(calls)[0]
	s.mu.Lock()
	defer s.mu.Unlock()
	body := objectBody{ID: id, Request: &row, Events: rowsOf(calls[0].events, s.eventRow)}
	return view{title: "Request " + row.Method, template: "request", section: "Requests", body: body}, nil
}

// requestsAbout are the newest calls that named the object or answered with it.
func (s *Sandbox) requestsAbout(id string) []requestRow {
	return requestRows(s.history.callsFrom(0, longList, func(c seenCall) bool {
		return c.Object == id || strings.Contains(c.path+"/", "/"+id+"/")
	}))
}

func (s *Sandbox) failuresPage(*http.Request) (view, error) {
	return view{title: "Failures", template: "failures", section: "Failures", body: s.switches()}, nil
}

// templates are all pages and their parts. They escape what they are given.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"dict": dict, "at": at, "took": took, "words": words,
}).ParseFS(pageFiles, "dashboard/*.html"))

// dict gives several values to a part, by name.
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
