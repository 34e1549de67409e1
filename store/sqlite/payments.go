package sqlite

import (
	"cmp"
	"context"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// afterAllIDs sorts behind every id: they are hexadecimal.
const afterAllIDs = "~"

// InsertPayment implements store.Store.
func (s *Store) InsertPayment(ctx context.Context, p *store.Payment) error {
	if _, err := s.writePayment(ctx, "insert payment", insertPayment, append(paymentArgs(p), 1)); err != nil {
		return err
	}
	p.Version = 1
	return nil
}

// UpdatePayment implements store.Store.
func (s *Store) UpdatePayment(ctx context.Context, p *store.Payment) error {
	if err := s.replacePayment(ctx, "update payment", p, p.Version, p.Version+1); err != nil {
		return err
	}
	p.Version++
	return nil
}

// replacePayment stores p as version to if the stored version is from.
func (s *Store) replacePayment(ctx context.Context, op string, p *store.Payment, from, to int64) error {
	n, err := s.writePayment(ctx, op, updatePayment, append(paymentArgs(p), from, to))
	if err == nil && n == 0 {
		err = s.fail(op, store.ErrStale)
	}
	return err
}

// writePayment runs an insert or update and returns how many rows it changed.
// store.ErrPaymentExists.
func (s *Store) writePayment(ctx context.Context, op string, q query, args []any) (int64, error) {
	n, err := s.exec(ctx, q, args...)
	if violates(err) {
		err = store.ErrPaymentExists
	}
	return n, s.fail(op, err)
}

// PaymentByCUID implements store.Store.
func (s *Store) PaymentByCUID(ctx context.Context, userID, cuid string) (*store.Payment, error) {
	return one(ctx, s, "payment by cuid", paymentByCUID, scanPayment, userID, cuid)
}

// PaymentByIntent implements store.Store.
func (s *Store) PaymentByIntent(ctx context.Context, intentID string) (*store.Payment, error) {
	return one(ctx, s, "payment by intent", paymentByIntent, scanPayment, intentID)
}

// ListPayments implements store.Store.
func (s *Store) ListPayments(ctx context.Context, q store.PaymentQuery) ([]*store.Payment, error) {
	return many(ctx, s, "list payments", listPayments, scanPayment,
		q.UserID, cmp.Or(q.Before, afterAllIDs), int64(q.Limit))
}

// PaymentsToCheck implements store.Store.
func (s *Store) PaymentsToCheck(ctx context.Context, now time.Time, limit int) ([]*store.Payment, error) {
	return many(ctx, s, "payments to check", paymentsToCheck, scanPayment, millis(now), int64(limit))
}

// paymentArgs are the parameters ?1 to ?16 of insertPayment and updatePayment.
func paymentArgs(p *store.Payment) []any {
	return []any{
		p.ID, p.UserID, p.CUID, p.Amount, p.Currency, p.IntentID, p.CustomerID,
		p.Status, p.PaymentMethod, p.Attempt, p.ConfirmAttempt, p.DeclineCode, p.ErrorCode,
		optionalMillis(p.CheckAt), millis(p.CreatedAt), millis(p.UpdatedAt),
	}
}

// scanPayment reads paymentColumns.
func scanPayment(r row) *store.Payment {
	return &store.Payment{
		ID: r.text(0), UserID: r.text(1), CUID: r.text(2), Amount: r.integer(3), Currency: r.text(4), IntentID: r.text(5), CustomerID: r.text(6),
		Status: r.text(7), PaymentMethod: r.text(8), Attempt: int(r.integer(9)), ConfirmAttempt: int(r.integer(10)), DeclineCode: r.text(11), ErrorCode: r.text(12),
		CheckAt: r.time(13), CreatedAt: r.time(14), UpdatedAt: r.time(15), Version: r.integer(16),
	}
}
