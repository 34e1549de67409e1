package sandbox

import (
	"net/http"
	"strconv"
	"strings"
)

// listWindow is a part of a list, newest first, with links to its other parts.
type listWindow struct {
	ids []string
	// older is the position of the next part, 0 if this is the last.
	older int
	pager
}

// pager holds the links to other parts of a list, "" for none.
type pager struct{ Older, Newest string }

// newest returns up to size ids before a position of the list, or from its end if
// the position is 0, newest first. It leaves out the ids that keep rejects; a nil
// keep rejects none. Nothing is removed from the lists that are shown, so a
// position stays valid.
func newest(ids []string, from, size int, keep func(string) bool) listWindow {
	if from <= 0 || from > len(ids) {
		from = len(ids)
	}
	var w listWindow
	for i := from - 1; i >= 0; i-- {
		if keep != nil && !keep(ids[i]) {
			continue
		}
		if len(w.ids) == size {
			w.older = i + 1
			break
		}
		w.ids = append(w.ids, ids[i])
	}
	return w
}

// window returns the part of the list that starts at the position in the query.
func window(ids []string, r *http.Request, name string, size int, keep func(string) bool) listWindow {
	from := pageStart(r, name)
	w := newest(ids, from, size, keep)
	if w.older > 0 {
		w.Older = link(r, name, w.older)
	}
	if from > 0 {
		w.Newest = link(r, name, 0)
	}
	return w
}

// pageStart returns the position in the query, 0 if it has no valid one.
func pageStart(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// link returns the address of the same page with another position.
func link(r *http.Request, name string, from int) string {
	query := r.URL.Query()
	query.Del(name)
	if from > 0 {
		query.Set(name, strconv.Itoa(from))
	}
	if len(query) == 0 {
		return r.URL.EscapedPath()
	}
	return r.URL.EscapedPath() + "?" + query.Encode()
}

func rowsOf[R any](ids []string, row func(string) R) []R {
	var rows []R
	for _, id := range ids {
		rows = append(rows, row(id))
	}
	return rows
}

// listBody is a page of a list.
type listBody[R any] struct {
	Rows    []R
	Filters filters
	pager
}

// list describes a list. ids, row and keep run under Sandbox.mu.
type list[R any] struct {
	name    string
	ids     func() []string
	row     func(string) R
	filters filters
	keep    func(id string) bool
}

func (l list[R]) page(s *Sandbox, r *http.Request) view {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := window(l.ids(), r, "from", longList, l.keep)
	return view{title: l.name, template: strings.ToLower(l.name), section: l.name,
		body: listBody[R]{rowsOf(w.ids, l.row), l.filters, w.pager}}
}

func (s *Sandbox) paymentsPage(r *http.Request) (view, error) {
	fs, err := readFilters(r, customerField, field{Name: "status", Label: "Status", Options: optionsOf(
		needsMethod, needsConfirmation, needsAction, processing, needsCapture, succeeded, canceled)})
	status, ofCustomer := fs.value("status"), s.ofCustomer(fs)
	return list[paymentRow]{"Payments", func() []string { return s.state.intents.ids }, s.paymentRow, fs, func(id string) bool {
		in, _ := s.state.intents.get(id)
		return (status == "" || in.Status == status) && ofCustomer(id)
	}}.page(s, r), err
}

func (s *Sandbox) chargesPage(r *http.Request) (view, error) {
	fs, err := readFilters(r, customerField, field{Name: "status", Label: "Status", Options: optionsOf("succeeded", "pending", "failed")})
	status, ofCustomer := fs.value("status"), s.ofCustomer(fs)
	return list[chargeRow]{"Charges", func() []string { return s.state.charges.ids }, s.chargeRow, fs, func(id string) bool {
		ch, _ := s.state.charges.get(id)
		return (status == "" || ch.Status == status) && ofCustomer(id)
	}}.page(s, r), err
}

func (s *Sandbox) customersPage(r *http.Request) (view, error) {
	fs, err := readFilters(r, customerField, field{Name: "status", Label: "Status", Options: optionsOf("active", "deleted")})
	status, ofCustomer := fs.value("status"), s.ofCustomer(fs)
	return list[customerRow]{"Customers", func() []string { return s.state.customers.ids }, s.customerRow, fs, func(id string) bool {
		c, _ := s.state.customers.get(id)
		return (status == "" || c.Deleted == (status == "deleted")) && ofCustomer(id)
	}}.page(s, r), err
}

func (s *Sandbox) eventsPage(r *http.Request) (view, error) {
	fs, err := readFilters(r, customerField, field{Name: "type", Label: "Type"},
		field{Name: "status", Label: "Webhook", Options: optionsOf(deliveryWords...)})
	status, kind, ofCustomer := fs.value("status"), newTerm(fs.value("type")), s.ofCustomer(fs)
	return list[eventRow]{"Events", func() []string { return s.state.events.ids }, s.eventRow, fs, func(id string) bool {
		e, _ := s.state.events.get(id)
		return (kind == "" || kind.in(e.Type)) && ofCustomer(e.subject()) &&
			(status == "" || s.delivery(id, s.history.triesOf(id)).Word == status)
	}}.page(s, r), err
}

// requestStatuses are the options of the status filter: HTTP status classes, and
// the requests that a failure changed.
var requestStatuses = []option{{"2xx", "2xx succeeded"}, {"4xx", "4xx refused"}, {"5xx", "5xx failed"}, {"failure", "changed by a failure"}}

func (c seenCall) hasStatus(status string) bool {
	switch status {
	case "":
		return true
	case "failure":
		return c.strike != strike{}
	}
	return strings.HasPrefix(strconv.Itoa(c.status), status[:1])
}

// requestsPage lists requests. Positions are request numbers.
func (s *Sandbox) requestsPage(r *http.Request) (view, error) {
	fs, err := readFilters(r, customerField, field{Name: "status", Label: "Status", Options: requestStatuses},
		field{Name: "only", Label: "Hide successful reads", Tick: "notable"})
	if err != nil {
		return view{}, err
	}
	ofCustomer := s.ofCustomer(fs)
	body := listBody[requestRow]{Filters: fs}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := pageStart(r, "from")
	calls := s.history.callsFrom(last, longList+1, func(c seenCall) bool {
		return (fs.value("only") == "" || c.notable()) && c.hasStatus(fs.value("status")) && ofCustomer(c.Object)
	})
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
