package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// term is the text of a search, in lower case.
type term string

// newTerm leaves out the secret part of a client secret: the rest is the id of
// its intent.
func newTerm(text string) term {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "_secret_")
	return term(strings.ToLower(shortened(text)))
}

// in reports whether one of the texts contains the term, ignoring case. No text
// contains the empty term.
func (t term) in(texts ...string) bool {
	return t != "" && slices.ContainsFunc(texts, func(text string) bool {
		return strings.Contains(strings.ToLower(text), string(t))
	})
}

func (t term) inMetadata(metadata map[string]string) bool {
	return t.in(slices.Collect(maps.Values(metadata))...)
}

// The functions below report whether an object matches. They compare the term with
// ids, with texts of the caller, such as names and metadata, and with statuses,
// error codes and types of events. They run under Sandbox.mu.

func (s *Sandbox) intentMatches(t term, id string) bool {
	in, _ := s.state.intents.get(id)
	texts := []string{in.ID, in.PaymentMethod, in.Description, in.ReceiptEmail, in.Status}
	if f := in.LastError; f != nil {
		texts = append(texts, f.Code, f.DeclineCode)
	}
	return t.in(texts...) || t.inMetadata(in.Metadata)
}

func (s *Sandbox) chargeMatches(t term, id string) bool {
	ch, _ := s.state.charges.get(id)
	return t.in(ch.ID, ch.Intent, ch.PaymentMethod, ch.Description, ch.Status, ch.FailureCode, ch.DeclineCode,
		ch.IdempotencyKey, ch.RequestID) || t.inMetadata(ch.Metadata)
}

func (s *Sandbox) customerMatches(t term, id string) bool {
	c, _ := s.state.customers.get(id)
	return t.in(c.ID, c.Name, c.Email, c.Phone, c.Description) || t.inMetadata(c.Metadata)
}

func (s *Sandbox) eventMatches(t term, id string) bool {
	e, _ := s.state.events.get(id)
	return t.in(e.ID, e.Type, e.subject(), e.IdempotencyKey, e.RequestID)
}

func (c seenCall) matches(t term) bool {
	return t.in(c.id, c.key, c.path, c.Object, c.Code, c.DeclineCode)
}

// customerOf returns the id of the customer that an object belongs to or is, ""
// for none. It runs under Sandbox.mu.
func (s *Sandbox) customerOf(id string) string {
	prefix, _, _ := strings.Cut(id, "_")
	switch prefix {
	case "cus":
		return id
	case "pi":
		in, _ := s.state.intents.get(id)
		return in.Customer
	case "ch":
		ch, _ := s.state.charges.get(id)
		return ch.Customer
	case "pm":
		method, _ := s.state.methods.get(id)
		return method.Customer
	}
	return ""
}

// belongsTo reports whether an object belongs to a customer that matches the term.
// It runs under Sandbox.mu.
func (s *Sandbox) belongsTo(t term, id string) bool {
	customer := s.customerOf(id)
	return customer != "" && s.customerMatches(t, customer)
}

// exists reports whether an object is in the account or, of a request, in the
// history. It runs under Sandbox.mu.
func (s *Sandbox) exists(id string) bool {
	var ok bool
	switch prefix, _, _ := strings.Cut(id, "_"); prefix {
	case "cus":
		_, ok = s.state.customers.get(id)
	case "pi":
		_, ok = s.state.intents.get(id)
	case "ch":
		_, ok = s.state.charges.get(id)
	case "evt":
		_, ok = s.state.events.get(id)
	case "req":
		_, ok = s.history.call(id)
	}
	return ok
}
