package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

const (
	leaseName = "reconciler"
	// leaseLife outlasts a round, so that a replica which dies keeps the others
	// waiting no longer than this.
	leaseLife = 30 * time.Second
	// batch bounds each part of a round.
	batch = 100
)

// Round is what one run of the reconciler did.
type Round struct {
	// Held is false when another replica has the lease; nothing was done then.
	Held bool
	// Events that were read, payments that were asked about, customers that
	// were given a new name or email, and items that failed and stay due.
	Events, Payments, Customers, Failed int
	// More is true when a part of the round was cut off at its bound.
	More bool
}

// Reconciler makes up for what webhooks and clients missed: it reads Stripe's
// events since a stored cursor, asks about payments that have been open too
// long, and tells Stripe of changed names and emails. One replica works at a
// time.
type Reconciler struct {
	service  *Service
	holder   string
	interval time.Duration

	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
	// caughtUp is when nothing was left to do, or another replica did it.
	caughtUp time.Time
}

// NewReconciler returns a reconciler that, once started, makes a round at every
// interval, 0 meaning 15 seconds, and another at once while there is more to do.
func NewReconciler(s *Service, interval time.Duration) *Reconciler {
	if interval == 0 {
		interval = 15 * time.Second
	}
	return &Reconciler{service: s, holder: store.NewID(s.now()), interval: interval, caughtUp: s.now()}
}

// Start makes rounds until Stop. A second call has no effect.
func (r *Reconciler) Start(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cancel != nil {
		return
	}
	ctx, r.cancel = context.WithCancel(ctx)
	r.done = make(chan struct{})
	go r.run(ctx, r.done)
}

// Stop ends the round under way, gives up the lease and waits for both. It may
// be called twice, and without Start.
func (r *Reconciler) Stop() {
	r.mu.Lock()
	cancel, done := r.cancel, r.done
	r.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
}

func (r *Reconciler) run(ctx context.Context, done chan struct{}) {
	defer close(done)
	for ctx.Err() == nil {
		round, err := r.RunOnce(ctx)
		if err != nil && ctx.Err() == nil {
			r.service.log.LogAttrs(ctx, slog.LevelWarn, "reconciler round failed", slog.String("error", err.Error()))
		}
		if err == nil && round.Held && round.More {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(r.interval):
		}
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := r.service.store.ReleaseLease(release, leaseName, r.holder); err != nil {
		r.service.log.LogAttrs(release, slog.LevelWarn, "reconciler lease not released", slog.String("error", err.Error()))
	}
}

// Lag is the time since this replica last saw that nothing was left to do, or
// that another replica has the lease. It grows while rounds fail, or cannot keep
// up; the largest of all replicas is that of the one that works.
func (r *Reconciler) Lag() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.service.now().Sub(r.caughtUp)
}

// RunOnce makes one round. Every part is tried, whatever becomes of the others.
func (r *Reconciler) RunOnce(ctx context.Context) (Round, error) {
	round, err := r.round(ctx)
	if err == nil && !round.More {
		r.mu.Lock()
		r.caughtUp = r.service.now()
		r.mu.Unlock()
	}
	return round, err
}

func (r *Reconciler) round(ctx context.Context) (Round, error) {
	s := r.service
	ctx, cancel := context.WithTimeout(ctx, leaseLife/2)
	defer cancel()
	cursor, held, err := s.store.AcquireLease(ctx, leaseName, r.holder, s.now(), leaseLife)
	if err != nil || !held {
		return Round{}, wrap("acquire lease", err)
	}
	round := Round{Held: true}
	err = errors.Join(
		r.readEvents(ctx, cursor, &round),
		s.checkPayments(ctx, &round),
		s.syncCustomers(ctx, &round),
	)
	return round, err
}

// readEvents handles a batch of Stripe's events behind the cursor and moves the
// cursor up to the first that failed, so that none is skipped.
func (r *Reconciler) readEvents(ctx context.Context, cursor string, round *Round) error {
	s := r.service
	events, more, err := s.stripe.Events(ctx, cursor, batch)
	if is(err, stripeclient.KindNotFound) {
		// The cursor is older than Stripe remembers. Open payments are asked
		// about in any case, so starting anew loses nothing of ours.
		events, more, err = s.stripe.Events(ctx, "", batch)
	}
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	next := cursor
	moved, seen := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		moved[e.ObjectID] = moved[e.ObjectID] || e.Type != eventCreated
	}
	for i := range events {
		e := &events[i]
		// One look at an intent is enough, but its making may not lead to one.
		if !seen[e.ObjectID] && (e.Type != eventCreated || !moved[e.ObjectID]) {
			if err = s.Handle(ctx, e); err != nil {
				round.Failed++
				break
			}
			seen[e.ObjectID] = true
		}
		round.Events++
		next = e.ID
	}
	if next != cursor {
		if saveErr := s.store.SaveCursor(ctx, leaseName, r.holder, next); saveErr != nil {
			return fmt.Errorf("read events: %w", errors.Join(err, saveErr))
		}
	}
	round.More = round.More || more && err == nil
	return wrap("read events", err)
}

// checkPayments asks Stripe about the payments that are due.
func (s *Service) checkPayments(ctx context.Context, round *Round) error {
	due, err := s.store.PaymentsToCheck(ctx, s.now(), batch)
	if err != nil {
		return fmt.Errorf("check payments: %w", err)
	}
	var faults []error
	for _, p := range due {
		if err := s.check(ctx, p); err != nil {
			round.Failed++
			// It is looked at later, so that it does not keep others from their turn.
			err = errors.Join(err, s.postpone(ctx, p))
			faults = append(faults, fmt.Errorf("check payment %s: %w", p.ID, err))
			continue
		}
		round.Payments++
	}
	round.More = round.More || len(due) == batch && len(faults) == 0
	return errors.Join(faults...)
}

// check brings one payment up to date. One without an intent may have one at
// Stripe whose reply was lost; if not, it waits for its client to ask again.
func (s *Service) check(ctx context.Context, p *store.Payment) error {
	var in *stripeclient.Intent
	var err error
	switch {
	case p.IntentID != "":
		in, err = s.stripe.Intent(ctx, p.IntentID)
	case p.CustomerID != "":
		in, err = s.stripe.FindIntent(ctx, p.CustomerID, p.ID)
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

// syncCustomers gives Stripe the names and emails that have changed.
func (s *Service) syncCustomers(ctx context.Context, round *Round) error {
	due, err := s.store.UsersToSync(ctx, s.now(), batch)
	if err != nil {
		return fmt.Errorf("sync customers: %w", err)
	}
	var faults []error
	for _, u := range due {
		if err := s.syncCustomer(ctx, u); err != nil {
			round.Failed++
			err = errors.Join(err, s.postponeSync(ctx, u))
			faults = append(faults, fmt.Errorf("sync customer of user %s: %w", u.ID, err))
			continue
		}
		round.Customers++
	}
	round.More = round.More || len(due) == batch && len(faults) == 0
	return errors.Join(faults...)
}

// syncCustomer tells Stripe the user's name and email, and again if the user has
// changed meanwhile: another replica may have told the new ones before this one
// told the old.
func (s *Service) syncCustomer(ctx context.Context, u *store.User) error {
	for range maxWrites {
		told := *u
		// One without a customer gets it with the name and email of then.
		if u.CustomerID != "" {
			_, err := s.stripe.UpdateCustomer(ctx, u.CustomerID, customerParams(u))
			// A customer that Stripe has no more is made again at the next payment.
			if err != nil && !is(err, stripeclient.KindNotFound) {
				return err
			}
		}
		next := *u
		next.SyncAt = time.Time{}
		err := s.store.UpdateUser(ctx, &next)
		if !errors.Is(err, store.ErrStale) {
			return err
		}
		u, err = s.store.User(ctx, told.ID)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if u.SyncAt.IsZero() && u.CustomerID == told.CustomerID && customerParams(u) == customerParams(&told) {
			return nil
		}
	}
	return fmt.Errorf("%d races lost: %w", maxWrites, store.ErrStale)
}

// syncPause is how long a customer waits that could not be told.
const syncPause = 30 * time.Second

// postponeSync lets others have their turn before this user, unless the user has
// changed meanwhile or is gone.
func (s *Service) postponeSync(ctx context.Context, u *store.User) error {
	next := *u
	next.SyncAt = s.now().Add(syncPause)
	err := s.store.UpdateUser(ctx, &next)
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	return err
}
