package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// checkPayments asks Stripe about the payments that are due.
func (s *Service) checkPayments(ctx context.Context, round *Round) error {
	due, err := s.store.PaymentsToCheck(ctx, s.now(), batch)
	if err != nil {
		return fmt.Errorf("check payments: %w", err)
	}
	look := newLookup(s, due)
	var faults []error
	for _, p := range due {
		err := s.check(ctx, look, p)
		if err == nil {
			round.Payments++
			continue
		}
		later := s.postpone(ctx, p)
		if err = s.failed(ctx, round, &round.Refused.Payments, "payment", p.ID, err, later); err != nil {
			faults = append(faults, fmt.Errorf("check %w", err))
		}
	}
	round.More = round.More || len(due) == batch && len(faults) == 0
	return errors.Join(faults...)
}

// check brings one payment up to date. One without an intent may have one at
// Stripe whose reply was lost; if not, it waits for its client to ask again.
func (s *Service) check(ctx context.Context, look *lookup, p *store.Payment) error {
	var in *stripeclient.Intent
	var err error
	switch {
	case p.IntentID != "":
		in, err = s.stripe.Intent(ctx, p.IntentID)
	case p.CustomerID != "":
		in, err = look.intent(ctx, p)
	}
	if err != nil && !is(err, stripeclient.KindNotFound) {
		return err
	}
	if in != nil {
		_, err = s.record(ctx, p, in, nil)
		return err
	}
	return s.postpone(ctx, p)
}

// postpone sets the next check, unless the payment has changed meanwhile. It is
// no change of the payment, so UpdatedAt stays.
func (s *Service) postpone(ctx context.Context, p *store.Payment) error {
	next := *p
	next.CheckAt = s.nextCheck(p)
	err := s.store.UpdatePayment(ctx, &next)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}

// lookup finds the intents of payments that have none stored. It lists a
// customer's intents once for all of them.
type lookup struct {
	service *Service
	// since is by customer: the time from which the intents are of interest.
	since map[string]time.Time
	lists map[string]intentList
}

type intentList struct {
	intents []*stripeclient.Intent
	err     error
}

// newLookup returns a lookup for the payments.
func newLookup(s *Service, payments []*store.Payment) *lookup {
	l := &lookup{service: s, since: map[string]time.Time{}, lists: map[string]intentList{}}
	for _, p := range payments {
		if p.IntentID != "" {
			continue
		}
		from := p.CreatedAt.Add(-clockSkew)
		if since, ok := l.since[p.CustomerID]; !ok || from.Before(since) {
			l.since[p.CustomerID] = from
		}
	}
	return l
}

// intent returns the payment's intent, nil if there is none.
func (l *lookup) intent(ctx context.Context, p *store.Payment) (*stripeclient.Intent, error) {
	list, ok := l.lists[p.CustomerID]
	if !ok {
		list.intents, list.err = l.service.stripe.Intents(ctx, p.CustomerID, l.since[p.CustomerID])
		l.lists[p.CustomerID] = list
	}
	if list.err != nil {
		return nil, list.err
	}
	return pick(list.intents, p), nil
}
