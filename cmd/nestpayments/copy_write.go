package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nestpayments/nestpayments/store"
)

// write brings the target up to date.
func (c *copier) write(ctx context.Context) error {
	if err := writeAll(ctx, c, userKind(), c.makeRoom); err != nil {
		return err
	}
	nobody := func(context.Context, *store.Payment) (bool, error) { return false, nil }
	return writeAll(ctx, c, paymentKind(), nobody)
}

// writeAll writes what is missing or older in the target, a batch at a time and
// up to copyWriters batches at once. What has become newer since the survey is
// left for verify to name. makeRoom frees a unique key that is taken, if it may.
func writeAll[T comparable](ctx context.Context, c *copier, k kind[T], makeRoom func(context.Context, *T) (bool, error)) error {
	var (
		writers  sync.WaitGroup
		slots    = make(chan struct{}, copyWriters)
		failure  error
		failOnce sync.Once
	)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	err := walk(ctx, c, "copying "+k.plural, k, func(pairs []pair[T]) error {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		writers.Go(func() {
			defer func() { <-slots }()
			if err := writeBatch(ctx, c, k, pairs, makeRoom); err != nil {
				failOnce.Do(func() { failure = err })
				cancel(err)
			}
		})
		return nil
	})
	writers.Wait()
	if failure != nil {
		return failure // and the walk ended by it
	}
	return err
}

func writeBatch[T comparable](ctx context.Context, c *copier, k kind[T], pairs []pair[T], makeRoom func(context.Context, *T) (bool, error)) error {
	var absent []*T
	for _, p := range pairs {
		switch k.compare(p) {
		case missing:
			absent = append(absent, p.from)
		case older:
			replace := func() error { return k.replace(ctx, c.to, p.from, k.version(p.to)) }
			if err := writeOne(ctx, k, p.from, replace, makeRoom); err != nil && !errors.Is(err, store.ErrStale) {
				return err
			}
		}
	}
	if len(absent) == 0 {
		return nil
	}
	if err := k.insert(ctx, c.to, absent); !taken(err) {
		return err
	}
	// One of them is refused, and some of the others may be there.
	for _, doc := range absent {
		insert := func() error { return k.insert(ctx, c.to, []*T{doc}) }
		if err := writeOne(ctx, k, doc, insert, makeRoom); err != nil {
			found, readErr := k.find(ctx, c.to, doc)
			if readErr != nil || found == nil || *found != *doc {
				return errors.Join(err, readErr)
			}
		}
	}
	return nil
}

// writeOne writes a document, once more after a key that it needs has been freed.
func writeOne[T comparable](ctx context.Context, k kind[T], doc *T, write func() error, makeRoom func(context.Context, *T) (bool, error)) error {
	const tries = 3 // for its keys are two, and other writers may be quicker
	for try := 1; ; try++ {
		err := write()
		if errors.Is(err, store.ErrUnavailable) && try < tries {
			continue // another writer may have freed the key meanwhile; what was written is found stale
		}
		if !taken(err) {
			return err
		}
		room, roomErr := makeRoom(ctx, doc)
		if roomErr != nil || !room || try == tries {
			return errors.Join(fmt.Errorf("%s %s: another document of the target has one of its unique keys: %w", k.name, k.id(doc), err), roomErr)
		}
	}
}

// taken tells whether a unique key refused a write.
func taken(err error) bool {
	return errors.Is(err, store.ErrEmailTaken) || errors.Is(err, store.ErrCustomerTaken) || errors.Is(err, store.ErrPaymentExists)
}

// makeRoom frees the email and customer of u in the target, if they are held
// there by users who no longer have them in the source, such as two who swapped
// their addresses. Such a user keeps its old version, so this copy, or the next,
// brings it up to date. It tells whether the keys may be free now.
func (c *copier) makeRoom(ctx context.Context, u *store.User) (freed bool, err error) {
	byEmail, err := found(c.to.UserByEmail(ctx, u.EmailKey))
	if err != nil {
		return false, err
	}
	var byCustomer *store.User
	if u.CustomerID != "" {
		if byCustomer, err = found(c.to.UserByCustomer(ctx, u.CustomerID)); err != nil {
			return false, err
		}
	}
	if byEmail == nil && byCustomer == nil {
		return true, nil // another writer was quicker
	}
	for _, holder := range []*store.User{byEmail, byCustomer} {
		if holder == nil || holder.ID == u.ID {
			continue
		}
		current, err := found(c.from.User(ctx, holder.ID))
		if err != nil {
			return false, err
		}
		if current == nil || userKind().compare(pair[store.User]{current, holder}) != older {
			continue
		}
		parked := *holder
		parked.EmailKey, parked.CustomerID = "moving:"+holder.ID, "" // no address looks like this
		if err := c.to.ReplaceUser(ctx, &parked, holder.Version); err != nil && !errors.Is(err, store.ErrStale) {
			return false, err
		}
		freed = true
	}
	return freed, nil
}

// found makes nil of what is not found.
func found[T any](v *T, err error) (*T, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return v, err
}
