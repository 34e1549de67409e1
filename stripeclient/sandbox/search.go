package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// term is what somebody looks for, in lower case.
type term string

// newTerm leaves out the secret part of a client secret: it names its intent.
func newTerm(text string) term {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "_secret_")
	return term(strings.ToLower(shortened(text)))
}

// in reports whether one of the texts contains the term, in any letter case. An
// empty term is in none.
func (t term) in(texts ...string) bool {
	return t != "" && slices.ContainsFunc(texts, func(text string) bool {
		return strings.Contains(strings.ToLower(text), string(t))
	})
}

func (t term) inMetadata(metadata map[string]string) bool {
	return t.in(slices.Collect(maps.Values(metadata))...)
}

// The matches below run under Sandbox.mu. They look at ids, at what people
// wrote, metadata included, and at the words of Stripe that people look for:
// statuses, codes and types of events.

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

// belongsTo reports whether the customer of an object is one that the term
// names: by a part of its id, its name or its email. It runs under Sandbox.mu.
func (s *Sandbox) belongsTo(t term, id string) bool {
	c, ok := s.state.customers.get(s.customerOf(id))
	return ok && t.in(c.ID, c.Name, c.Email)
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
