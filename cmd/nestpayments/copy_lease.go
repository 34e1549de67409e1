package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

const (
	// reconcilerLease is the lease that every running server has or waits for;
	// its cursor is how far Stripe's events have been read.
	reconcilerLease = "reconciler"
	// The names are the same in every run, so that a copy that was killed can be
	// run again at once.
	sourceHolder = "nestpayments admin copy, source"
	targetHolder = "nestpayments admin copy, target"
	// copyLease is longer than any one call to a database.
	copyLease = time.Minute
)

// leases are the leases of the reconciler in both databases. Whoever holds them
// knows that no server does: one that runs would, unless its rounds are further
// apart than its lease is long. A server that starts meanwhile serves, but its
// reconciler waits.
type leases struct {
	cursor  string
	source  bool // is held: not so in a copy ahead of a server that runs
	renewed time.Time
}

// take takes both leases. It refuses databases that are in use, and those that
// are one under two names, which have one lease.
func (l *leases) take(ctx context.Context, c *copier) (err error) {
	l.renewed = time.Now()
	if l.cursor, l.source, err = acquire(ctx, c.from, sourceHolder); err != nil {
		return fmt.Errorf("source: %w", err)
	}
	if !l.source && !c.ahead {
		return errors.New("the source is in use: a server runs on it, or was killed less than a minute ago. Stop it, or copy ahead of that with --ahead")
	}
	_, held, err := acquire(ctx, c.to, targetHolder)
	if err == nil && !held {
		_, isSource, otherErr := acquire(ctx, c.to, sourceHolder)
		if err = otherErr; err == nil {
			err = errors.New("a server runs on it, or was killed less than a minute ago: stop it, or copy to an empty database")
			if isSource {
				err = errSameDatabase
			}
		}
	}
	if err != nil {
		return errors.Join(fmt.Errorf("target: %w", err), l.release(ctx, c))
	}
	return nil
}

// renew keeps the leases, if it is time.
func (l *leases) renew(ctx context.Context, c *copier) error {
	if time.Since(l.renewed) < copyLease/4 {
		return nil
	}
	l.renewed = time.Now()
	if l.source {
		if _, held, err := acquire(ctx, c.from, sourceHolder); err != nil || !held {
			return errors.Join(err, errors.New("a server was started on the source: stop it and copy again"))
		}
	}
	if _, held, err := acquire(ctx, c.to, targetHolder); err != nil || !held {
		return errors.Join(err, errors.New("a server was started on the target before the copy was done: stop it"))
	}
	return nil
}

// saveCursor moves the cursor, over that of an earlier copy. An old cursor is
// safe: events are then handled again, which changes nothing.
func (l *leases) saveCursor(ctx context.Context, c *copier) error {
	return c.to.SaveCursor(ctx, reconcilerLease, targetHolder, l.cursor)
}

// release gives both up, also when ctx has ended.
func (l *leases) release(ctx context.Context, c *copier) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(
		c.from.ReleaseLease(ctx, reconcilerLease, sourceHolder),
		c.to.ReleaseLease(ctx, reconcilerLease, targetHolder))
}

func acquire(ctx context.Context, db store.Store, holder string) (cursor string, held bool, err error) {
	return db.AcquireLease(ctx, reconcilerLease, holder, time.Now().UTC(), copyLease)
}
