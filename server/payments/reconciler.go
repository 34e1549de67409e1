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

// Round reports what one run of the reconciler did.
type Round struct {
	// Held is false when another replica has the lease; nothing was done then.
	Held bool
	// Events that were read, payments that were asked about, customers that
	// were given a new name or email, and items that failed and stay due.
	Events, Payments, Customers, Failed int
	// Refused counts the items that Stripe refuses whenever it is asked. They are
	// passed over or looked at later, and do not fail the round.
	Refused Refused
	// More is true when a part of the round was cut off at its bound.
	More bool
}

// Refused counts items that Stripe refuses, while it answers for the others.
type Refused struct{ Events, Payments, Customers int }

// Reconciler makes up for what webhooks and clients missed: it reads Stripe's
// events since a stored cursor, asks about payments that have been open too
// long, and gives Stripe changed names and emails. One replica works at a time.
type Reconciler struct {
	service  *Service
	holder   string
	interval time.Duration
	events   eventReader

	mu     sync.Mutex
	cancel context.CancelFunc
	done   chan struct{}
	// caughtUp is when nothing was left to do, or another replica did it.
	caughtUp time.Time
	refused  Refused
}

// NewReconciler returns a reconciler that, once started, makes a round at every
// interval, 0 meaning 15 seconds, and another at once while there is more to do.
func NewReconciler(s *Service, interval time.Duration) *Reconciler {
	if interval == 0 {
		interval = 15 * time.Second
	}
	holder := store.NewID(s.now())
	return &Reconciler{
		service: s, holder: holder, interval: interval, caughtUp: s.now(),
		events: eventReader{service: s, holder: holder},
	}
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
			level := slog.LevelWarn
			if is(err, stripeclient.KindRefused) || is(err, stripeclient.KindAccount) {
				level = slog.LevelError // an operator must act
			}
			r.service.log.LogAttrs(ctx, level, "reconciler round failed", slog.String("error", err.Error()))
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

// Lag reports how far the reconciler is behind: the time since this replica last
// finished all due work, or saw another replica hold the lease. It grows while
// rounds fail or cannot keep up. Across replicas, take the maximum.
func (r *Reconciler) Lag() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.service.now().Sub(r.caughtUp)
}

// Refused counts what Stripe has refused since this replica started.
func (r *Reconciler) Refused() Refused {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refused
}

// RunOnce makes one round. Every part is tried, whatever becomes of the others.
// Only one call may run at a time.
func (r *Reconciler) RunOnce(ctx context.Context) (Round, error) {
	round, err := r.round(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused.Events += round.Refused.Events
	r.refused.Payments += round.Refused.Payments
	r.refused.Customers += round.Refused.Customers
	if err == nil && !round.More {
		r.caughtUp = r.service.now()
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
		r.events.read(ctx, cursor, &round),
		s.checkPayments(ctx, &round),
		s.syncCustomers(ctx, &round),
	)
	return round, err
}

// failed is what a failed item does to the round. later is the error of postponing the
// item, which gives the others their turn. An item that Stripe refuses is counted in
// refused and logged; any other error is returned.
func (s *Service) failed(ctx context.Context, round *Round, refused *int, item, id string, err, later error) error {
	if !passing(err) {
		*refused++
		s.logRefused(ctx, item, id, err)
		err = nil
	}
	if err = errors.Join(err, later); err != nil {
		round.Failed++
		return fmt.Errorf("%s %s: %w", item, id, err)
	}
	return nil
}

// logRefused reports an item that Stripe refuses, and its reason.
func (s *Service) logRefused(ctx context.Context, item, id string, err error) {
	s.log.LogAttrs(ctx, slog.LevelWarn, "Stripe refuses an item of the reconciler",
		slog.String("item", item), slog.String("id", id), slog.String("error", err.Error()))
}
