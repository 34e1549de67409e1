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

// requestBody is the page of one request: what was sent, what was answered, and
// what that caused.
type requestBody struct {
	Request requestRow
	Sent    message
	Answer  message
	// Related are the other objects that parameters and answer name.
	Related []piece
	Events  []eventRow
	// Forgotten: parameters and answer are no longer kept.
	Forgotten bool
	// Lost says what the caller got instead of the answer, "" if all of it.
	Lost string
}

// message is a request or an answer as people read it.
type message struct {
	Headers []header
	Params  []param
	// Text is a body that has no parameters. Cut says how much of it is missing.
	Text []piece
	Cut  string
}

type header struct{ Name, Value, Path string }

// param is a parameter of the query or of the form, decoded.
type param struct {
	Name  string
	Value []piece
}

// piece is a part of a text; with a path, it is the id of an object.
type piece struct{ Text, Path string }

var objectID = regexp.MustCompile(`\b(?:pi|ch|cus|evt|req)_[A-Za-z0-9]+\b`)

// linked masks the secrets of a text and cuts it where it names an object that
// has a page, except for own. It runs under Sandbox.mu.
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

// lostTexts say what became of the answer on the way.
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

// paramRows decodes parameters and keeps their order. A client secret is masked
// wherever it is; one that is sent under its own name also if it is malformed.
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

// decoded is the text of a form's name or value, as it came if it is malformed.
func decoded(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		text = plain
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// relatedTo returns the objects that messages name beside the one with the id,
// each once and only the first few.
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

// requestsAbout are the newest calls that named the object or answered with it.
func (s *Sandbox) requestsAbout(id string) []requestRow {
	return requestRows(s.history.callsFrom(0, longList, func(c seenCall) bool {
		return c.Object == id || strings.Contains(c.path+"/", "/"+id+"/")
	}))
}
