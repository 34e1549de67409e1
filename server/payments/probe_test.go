package payments_test

import (
	"context"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// probedStore is the store as a process sees it: any call may fail. It holds
// every write to what may never change.
type probedStore struct {
	store.Store
	w *world
}

func (s probedStore) User(ctx context.Context, id string) (u *store.User, err error) {
	err = perform(ctx, s.w, "User", func() (err error) {
		u, err = s.Store.User(ctx, id)
		return err
	})
	return u, err
}

func (s probedStore) UserByCustomer(ctx context.Context, id string) (u *store.User, err error) {
	err = perform(ctx, s.w, "UserByCustomer", func() (err error) {
		u, err = s.Store.UserByCustomer(ctx, id)
		return err
	})
	return u, err
}

func (s probedStore) UpdateUser(ctx context.Context, u *store.User) error {
	return perform(ctx, s.w, "UpdateUser", func() error { return s.Store.UpdateUser(ctx, u) })
}

func (s probedStore) UsersToSync(ctx context.Context, now time.Time, limit int) (due []*store.User, err error) {
	err = perform(ctx, s.w, "UsersToSync", func() (err error) {
		due, err = s.Store.UsersToSync(ctx, now, limit)
		return err
	})
	return due, err
}

func (s probedStore) InsertPayment(ctx context.Context, p *store.Payment) error {
	return perform(ctx, s.w, "InsertPayment", func() error {
		err := s.Store.InsertPayment(ctx, p)
		if err == nil {
			s.w.inserted(p)
		}
		return err
	})
}

func (s probedStore) PaymentByCUID(ctx context.Context, userID, cuid string) (p *store.Payment, err error) {
	err = perform(ctx, s.w, "PaymentByCUID", func() (err error) {
		p, err = s.Store.PaymentByCUID(ctx, userID, cuid)
		return err
	})
	return p, err
}

func (s probedStore) PaymentByIntent(ctx context.Context, id string) (p *store.Payment, err error) {
	err = perform(ctx, s.w, "PaymentByIntent", func() (err error) {
		p, err = s.Store.PaymentByIntent(ctx, id)
		return err
	})
	return p, err
}

func (s probedStore) UpdatePayment(ctx context.Context, p *store.Payment) error {
	return perform(ctx, s.w, "UpdatePayment", func() error {
		before, err := s.Store.PaymentByCUID(ctx, p.UserID, p.CUID)
		if err != nil {
			return err
		}
		err = s.Store.UpdatePayment(ctx, p)
		if err == nil {
			s.w.checkWrite(before, p)
		}
		return err
	})
}

func (s probedStore) PaymentsToCheck(ctx context.Context, now time.Time, limit int) (due []*store.Payment, err error) {
	err = perform(ctx, s.w, "PaymentsToCheck", func() (err error) {
		due, err = s.Store.PaymentsToCheck(ctx, now, limit)
		return err
	})
	return due, err
}

func (s probedStore) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (cursor string, ok bool, err error) {
	err = perform(ctx, s.w, "AcquireLease", func() (err error) {
		cursor, ok, err = s.Store.AcquireLease(ctx, name, holder, now, ttl)
		return err
	})
	return cursor, ok, err
}

func (s probedStore) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	return perform(ctx, s.w, "SaveCursor", func() error { return s.Store.SaveCursor(ctx, name, holder, cursor) })
}

func (s probedStore) ReleaseLease(ctx context.Context, name, holder string) error {
	return perform(ctx, s.w, "ReleaseLease", func() error { return s.Store.ReleaseLease(ctx, name, holder) })
}
