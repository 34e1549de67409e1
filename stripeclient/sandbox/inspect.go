package sandbox

import "maps"

// Charges returns the journal: every charge that was ever tried, oldest first.
func (s *Sandbox) Charges() []Charge {
	return copied(s, s.state.charges, func(c Charge) Charge {
		c.Metadata = maps.Clone(c.Metadata)
		return c
	})
}

// Intents returns all payment intents, oldest first.
func (s *Sandbox) Intents() []Intent {
	return copied(s, s.state.intents, func(in Intent) Intent {
		in.Metadata = maps.Clone(in.Metadata)
		if in.LastError != nil {
			failure := *in.LastError
			in.LastError = &failure
		}
		return in
	})
}

// Customers returns all customers, the deleted included, oldest first.
func (s *Sandbox) Customers() []Customer {
	return copied(s, s.state.customers, func(c Customer) Customer {
		c.Metadata = maps.Clone(c.Metadata)
		return c
	})
}

// Events returns all events, oldest first.
func (s *Sandbox) Events() []Event {
	return copied(s, s.state.events, func(e Event) Event {
		e.Object, e.Previous = append([]byte(nil), e.Object...), append([]byte(nil), e.Previous...)
		return e
	})
}

// Requests returns how many calls of Stripe's API came since New, by route,
// such as "POST /v1/payment_intents/*/confirm". Failed and replayed ones are
// counted too; those without a route are "unrecognized".
func (s *Sandbox) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.requests)
}

func copied[T any](s *Sandbox, t *table[T], clone func(T) T) []T {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]T, 0, len(t.ids))
	for _, id := range t.ids {
		all = append(all, clone(t.rows[id]))
	}
	return all
}
