package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo"
)

// settling is how long the store may take to follow Stripe once all is well
// again. A replica that dies takes the reconciler's lease with it for 30 s.
const settling = time.Minute

// books is everything that is on record when all is over.
type books struct {
	charges []charge
	// intents and payments by intent id.
	intents  map[string]intent
	payments map[string]*store.Payment
	users    map[string]*store.User
}

// checkAll waits until the store has followed Stripe, and holds store, Stripe
// and what clients were told against each other.
func (s *system) checkAll(buyers []*buyer) {
	db, err := mongo.Open(s.ctx, s.databaseURL(), nil)
	if err != nil {
		s.verdict.violate("the test itself failed: %v", err)
		return
	}
	defer db.Close()
	kept, err := s.read(db, buyers)
	if err != nil {
		s.verdict.violate("the test itself failed: reading the books: %v", err)
		return
	}
	s.checkStripe(kept)
	if !s.verdict.ok() {
		return // the store cannot follow two intents
	}
	kept, ok := s.settled(db, buyers)
	if !ok {
		return
	}
	s.checkStripe(kept)
	for _, c := range kept.charges {
		s.figures.add("charges "+c.Status, 1)
	}
	for _, b := range buyers {
		s.checkBuyer(kept, b)
		s.checkCustomer(kept, b)
	}
}

// settled polls until store and Stripe agree.
func (s *system) settled(db store.Store, buyers []*buyer) (books, bool) {
	began := time.Now()
	for {
		kept, err := s.read(db, buyers)
		if err != nil {
			s.verdict.violate("the test itself failed: reading the books: %v", err)
			return kept, false
		}
		differ := s.differences(kept)
		if len(differ) == 0 {
			s.figures.took("until the store had followed Stripe", time.Since(began))
			return kept, true
		}
		if time.Since(began) > settling {
			s.verdict.violate("%d differences between store and Stripe after %s:\n%s", len(differ), settling,
				strings.Join(differ[:min(len(differ), maxViolations)], "\n"))
			return kept, false
		}
		pause(s.ctx, 500*time.Millisecond)
	}
}

// differences tells where the store is behind Stripe.
func (s *system) differences(k books) (all []string) {
	for id, in := range k.intents {
		p := k.payments[id]
		switch {
		case p == nil:
			all = append(all, fmt.Sprintf("%s is %s at Stripe and not in the store\n%s", id, in.Status, s.evidence(id)))
		case p.Status != in.Status || p.PaymentMethod != in.PaymentMethod:
			all = append(all, fmt.Sprintf("%s is %s (%s) at Stripe and %s (%s) in the store\n%s", id,
				in.Status, in.PaymentMethod, p.Status, p.PaymentMethod, s.evidence(id)))
		}
	}
	for id := range k.payments {
		if _, ok := k.intents[id]; !ok {
			all = append(all, id+" is in the store and not at Stripe")
		}
	}
	return all
}

// read reads store and Stripe.
func (s *system) read(db store.Store, buyers []*buyer) (k books, err error) {
	k = books{intents: map[string]intent{}, payments: map[string]*store.Payment{}, users: map[string]*store.User{}}
	if k.charges, err = s.stripe.charges(s.ctx); err != nil {
		return k, err
	}
	intents, err := s.stripe.intents(s.ctx)
	if err != nil {
		return k, err
	}
	for _, in := range intents {
		k.intents[in.ID] = in
	}
	for _, b := range buyers {
		if k.users[b.id], err = db.User(s.ctx, b.id); err != nil {
			return k, err
		}
		if err := readPayments(s.ctx, db, b.id, k.payments); err != nil {
			return k, err
		}
	}
	return k, nil
}

func readPayments(ctx context.Context, db store.Store, userID string, into map[string]*store.Payment) error {
	q := store.PaymentQuery{UserID: userID, Limit: store.MaxPage}
	for {
		page, err := db.ListPayments(ctx, q)
		if err != nil {
			return err
		}
		for _, p := range page {
			into[p.IntentID] = p
		}
		if len(page) < q.Limit {
			return nil
		}
		q.Before = page[len(page)-1].ID
	}
}

// checkStripe: for each (user, cuid) one intent and at most one charge that
// succeeded, of the intent's amount.
func (s *system) checkStripe(k books) {
	owner := func(m map[string]string) string { return m["userId"] + " " + m["cuid"] }
	intents, charges := map[string][]string{}, map[string][]string{}
	for id, in := range k.intents {
		intents[owner(in.Metadata)] = append(intents[owner(in.Metadata)], id)
	}
	for _, c := range k.charges {
		if c.Status == "succeeded" {
			charges[owner(c.Metadata)] = append(charges[owner(c.Metadata)], c.ID)
		}
		if in := k.intents[c.Intent]; c.Amount != in.Amount || c.Currency != in.Currency {
			s.verdict.violate("charge %s is of %d %s, intent %s of %d %s", c.ID, c.Amount, c.Currency, in.ID, in.Amount, in.Currency)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(intents)) {
		if ids := intents[key]; len(ids) != 1 {
			s.verdict.violate("user and cuid %s have %d payment intents: %v\n%s", key, len(ids), ids, s.evidence(ids[0])+s.evidence(ids[1]))
		}
		if ids := charges[key]; len(ids) > 1 {
			s.verdict.violate("user and cuid %s were charged %d times: %v", key, len(ids), ids)
		}
	}
}

// checkBuyer holds what a client was told against the books, and what the API
// lists now.
func (s *system) checkBuyer(k books, b *buyer) {
	all, asked, ok := b.list()
	if !ok {
		return
	}
	b.checkList(all, asked, ok)
	listed := map[string]told{}
	for _, dto := range all {
		listed[dto.ID] = told{dto.ID, dto.Amount, dto.Currency, dto.Status}
	}
	mine := 0
	for _, p := range k.payments {
		if p.UserID == b.id {
			mine++
		}
	}
	if len(b.purchases) != mine || len(all) != mine {
		s.verdict.violate("user %s made %d payments; %d are in the store, %d in the list", b.id, len(b.purchases), mine, len(all))
	}
	for _, p := range b.purchases {
		if !p.finished {
			s.verdict.violate("the payment of cuid %s was never finished", p.cuid)
			continue
		}
		in := k.intents[p.id]
		want := told{p.id, p.amount, p.currency, p.plan.end}
		stored := told{}
		if sp := k.payments[p.id]; sp != nil && sp.CUID == p.cuid && sp.UserID == b.id {
			stored = told{sp.IntentID, sp.Amount, sp.Currency, sp.Status}
		}
		at := told{in.ID, in.Amount, in.Currency, in.Status}
		if at != want || stored != want || listed[p.id] != want {
			s.verdict.violate("a client that %s, cuid %s: want %+v; at Stripe %+v, in the store %+v, in the list %+v\n%s",
				p.plan.name, p.cuid, want, at, stored, listed[p.id], s.evidence(p.id))
		}
		s.figures.add("payments that ended "+p.plan.end, 1)
		s.checkCharges(k, p)
	}
}

// checkCharges: money moved once if the payment succeeded, and not at all
// otherwise, and every decline that the client was told of was one.
func (s *system) checkCharges(k books, p *purchase) {
	moved := 0
	declines := map[string]int{}
	for _, c := range k.charges {
		switch {
		case c.Intent != p.id:
		case c.Status == "succeeded":
			moved++
		case c.Status == "failed":
			declines[c.reason()]++
		}
	}
	want := 0
	if p.plan.end == succeeded || p.paid() {
		want = 1
	}
	if moved != want {
		s.verdict.violate("a client that %s, cuid %s, told of success: %t: %d charges succeeded, want %d\n%s",
			p.plan.name, p.cuid, p.paid(), moved, want, s.evidence(p.id))
	}
	for _, code := range p.declines {
		if declines[code] == 0 {
			s.verdict.violate("a client that %s, cuid %s, was told of a decline (%s) that never was\n%s", p.plan.name, p.cuid, code, s.evidence(p.id))
		}
	}
}

// checkCustomer: all of a user's payments are of one customer, whom Stripe knows
// under the present name and address or is still to be told of.
func (s *system) checkCustomer(k books, b *buyer) {
	u := k.users[b.id]
	if u.Name != b.name || u.Email != b.email {
		s.verdict.violate("user %s is not who the client was told", b.id)
	}
	for _, p := range k.payments {
		if in := k.intents[p.IntentID]; p.UserID == b.id && (p.CustomerID != u.CustomerID || in.Customer != u.CustomerID) {
			s.verdict.violate("%s is charged to %s, stored as %s; the user's customer is %s", p.IntentID, in.Customer, p.CustomerID, u.CustomerID)
		}
	}
	if u.CustomerID == "" {
		return
	}
	c, err := s.stripe.customer(s.ctx, u.CustomerID)
	if err != nil {
		s.verdict.violate("customer %s: %v", u.CustomerID, err)
		return
	}
	switch {
	case !u.SyncAt.IsZero():
		s.figures.add("customers of whom Stripe is still to be told", 1)
	case c.Name != u.Name || c.Email != u.Email:
		s.verdict.violate("customer %s has an old name or address at Stripe", c.ID)
	}
}
