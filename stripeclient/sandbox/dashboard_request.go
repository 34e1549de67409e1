package sandbox

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// requestBody holds the page of a request: what was sent, the response, and the
// events that it caused.
type requestBody struct {
	Request requestRow
	Sent    message
	Answer  message
	// Related are the other objects that the parameters and the response name.
	Related []piece
	Events  []eventRow
	// Forgotten is true when parameters and response are no longer kept.
	Forgotten bool
	// Lost says which part of the response the caller received, "" for all.
	Lost string
}

// message is a request or a response, decoded.
type message struct {
	Headers []header
	Params  []param
	// Text is the body, unless it is in Params. Cut says how much is missing.
	Text []piece
	Cut  string
}

type header struct{ Name, Value, Path string }

// param is a decoded parameter of the query or of the form.
type param struct {
	Name  string
	Value []piece
}

// piece is a part of a text. With a Path it is the id of an object, and Path is
// the object's page.
type piece struct{ Text, Path string }

var objectID = regexp.MustCompile(`\b(?:pi|ch|cus|evt|req)_[A-Za-z0-9]+\b`)

// linked masks the secrets in a text and splits it at the ids of objects that have
// a page, except own. It runs under Sandbox.mu.
func (s *Sandbox) linked(text, own string) []piece {
	text = masked(text)
	var pieces []piece
	begin := 0
	for _, at := range objectID.FindAllStringIndex(text, -1) {
		id := text[at[0]:at[1]]
		if id == own || !s.exists(id) {
			continue
		}
		pieces = append(pieces, piece{Text: text[begin:at[0]]}, piece{id, objectPath(id)})
		begin = at[1]
	}
	return append(pieces, piece{Text: text[begin:]})
}

func (s *Sandbox) requestPage(r *http.Request) (view, error) {
	id := r.PathValue("id")
	call, ok := s.history.call(id)
	if !ok {
		return view{}, fmt.Errorf("request: %w (the newest %d since the start are kept)", ErrNotFound, callsKept)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	body := requestBody{Request: requestRows([]seenCall{call})[0], Events: rowsOf(call.events, s.eventRow),
		Lost: lostTexts[call.strike.kind], Forgotten: call.exchange == nil}
	if e := call.exchange; e != nil {
		body.Sent, body.Answer = s.sentMessage(e, id), s.answerMessage(e, id)
	}
	body.Related = relatedTo(body.Request.Object, body.Sent, body.Answer)
	return view{title: "Request " + call.method, template: "request", section: "Requests", body: body}, nil
}

// lostTexts say what the caller received of the response under a fault.
var lostTexts = map[FaultKind]string{
	FaultLostReply: "The connection was cut: the caller received none of this.",
	FaultTruncated: "The caller received the first half of this body.",
	FaultCutBody:   "The caller received the first half of this body; then the connection was cut.",
}

func (s *Sandbox) sentMessage(e *exchange, own string) message {
	m := message{Headers: s.headerRows(e.sent, own), Params: s.paramRows(e.query, own)}
	if strings.HasPrefix(e.sent.Get("Content-Type"), "application/x-www-form-urlencoded") {
		m.Params = append(m.Params, s.paramRows(e.form, own)...)
	} else if e.form.text != "" {
		m.Text = s.linked(strings.ToValidUTF8(e.form.text, "\uFFFD"), own)
	}
	switch {
	case e.form.text == "" && e.form.cut():
		m.Cut = fmt.Sprintf("The call was refused before its body of %d bytes was read.", e.form.length)
	case e.form.cut():
		m.Cut = cutText(e.form)
	case e.query.cut():
		m.Cut = cutText(e.query)
	}
	return m
}

func (s *Sandbox) answerMessage(e *exchange, own string) message {
	m := message{Headers: s.headerRows(e.received, own), Text: s.linked(strings.ToValidUTF8(e.answer.text, "\uFFFD"), own)}
	if e.answer.cut() {
		m.Cut = cutText(e.answer)
	}
	return m
}

func cutText(e excerpt) string {
	return fmt.Sprintf("Only the first %d of %d bytes are kept.", len(e.text), e.length)
}

// headerRows are sorted by name. Those that name a request link to it.
func (s *Sandbox) headerRows(h http.Header, own string) []header {
	var rows []header
	for _, name := range slices.Sorted(maps.Keys(h)) {
		row := header{Name: name, Value: masked(h.Get(name))}
		if row.Value != own && s.exists(row.Value) {
			row.Path = objectPath(row.Value)
		}
		rows = append(rows, row)
	}
	return rows
}

// paramRows decodes parameters and keeps their order. client_secret is masked even
// if its value is malformed.
func (s *Sandbox) paramRows(text excerpt, own string) []param {
	var rows []param
	for pair := range strings.SplitSeq(text.text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, value = decoded(name), decoded(value)
		if name == "client_secret" {
			value = "****"
		}
		rows = append(rows, param{masked(name), s.linked(value, own)})
	}
	return rows
}

// decoded decodes a name or a value of a form. A malformed text stays as it is.
func decoded(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// relatedTo returns the objects that messages name, except the one with the id:
// each once, and only the first few.
func relatedTo(id string, messages ...message) []piece {
	const most = 8
	var found []piece
	add := func(pieces []piece) {
		for _, p := range pieces {
			if p.Path != "" && p.Text != id && len(found) < most && !slices.Contains(found, p) {
				found = append(found, p)
			}
		}
	}
	for _, m := range messages {
		for _, p := range m.Params {
			add(p.Value)
		}
		add(m.Text)
	}
	return found
}

// requestsAbout returns the newest calls that named the object or returned it.
func (s *Sandbox) requestsAbout(id string) []requestRow {
	return requestRows(s.history.callsFrom(0, longList, func(c seenCall) bool {
		return c.Object == id || strings.Contains(c.path+"/", "/"+id+"/")
	}))
}
