package sandbox

import (
	"net/http"
	"strings"
)

type searchBody struct {
	// Empty is true when the search has no text.
	Empty     bool
	Payments  []paymentRow
	Charges   []chargeRow
	Customers []customerRow
	Events    []eventRow
	Requests  []requestRow
	// Most is the largest number of rows of a kind.
	Most int
}

// None reports whether nothing was found.
func (b searchBody) None() bool {
	return len(b.Payments)+len(b.Charges)+len(b.Customers)+len(b.Events)+len(b.Requests) == 0
}

// searchPage redirects to the object whose id was searched for, or lists the newest
// objects of each kind that match.
func (s *Sandbox) searchPage(r *http.Request) (view, error) {
	text := strings.TrimSpace(r.URL.Query().Get("q"))
	t := newTerm(text)
	id, _, _ := strings.Cut(text, "_secret_")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.exists(id) {
		return view{redirect: objectPath(id)}, nil
	}
	match := func(ids []string, matches func(term, string) bool) []string {
		if t == "" {
			return nil
		}
		return newest(ids, 0, shortList, func(id string) bool { return matches(t, id) }).ids
	}
	body := searchBody{
		Empty:     t == "",
		Most:      shortList,
		Payments:  rowsOf(match(s.state.intents.ids, s.intentMatches), s.paymentRow),
		Charges:   rowsOf(match(s.state.charges.ids, s.chargeMatches), s.chargeRow),
		Customers: rowsOf(match(s.state.customers.ids, s.customerMatches), s.customerRow),
		Events:    rowsOf(match(s.state.events.ids, s.eventMatches), s.eventRow),
		Requests:  requestRows(s.history.callsFrom(0, shortList, func(c seenCall) bool { return c.matches(t) })),
	}
	return view{title: "Search", template: "search", body: body}, nil
}
