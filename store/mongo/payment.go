package mongo

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"github.com/nestpayments/nestpayments/store"
)

// InsertPayment implements store.Store.
func (s *Store) InsertPayment(ctx context.Context, p *store.Payment) error {
	return s.call(ctx, "insert payment", func(ctx context.Context) error {
		id, err := parseID(p.ID)
		if err != nil {
			return err
		}
		if _, err := s.payments.InsertOne(ctx, newPaymentDoc(id, p, 1)); err != nil {
			return s.duplicate(ctx, err, s.payments, paymentKeys(p), bson.D{})
		}
		p.Version = 1
		return nil
	})
}

// PaymentByCUID implements store.Store.
func (s *Store) PaymentByCUID(ctx context.Context, userID, cuid string) (*store.Payment, error) {
	return s.findPayment(ctx, "find payment by cuid",
		bson.D{{Key: "userId", Value: userID}, {Key: "cuid", Value: cuid}}, ascending("userId", "cuid"))
}

// PaymentByIntent implements store.Store.
func (s *Store) PaymentByIntent(ctx context.Context, intentID string) (*store.Payment, error) {
	return s.findPayment(ctx, "find payment by intent", bson.D{{Key: "intentId", Value: intentID}}, ascending("intentId"))
}

func (s *Store) findPayment(ctx context.Context, op string, filter, hint bson.D) (p *store.Payment, err error) {
	err = s.call(ctx, op, func(ctx context.Context) error {
		p, err = findOne[paymentDoc](ctx, s.payments, filter, hint)
		return err
	})
	return p, err
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
	return s.call(ctx, op, func(ctx context.Context) error {
		id, err := parseID(p.ID)
		if err != nil {
			return err
		}
		filter := bson.D{{Key: "_id", Value: id}, {Key: "version", Value: from}}
		update, err := setFields(newPaymentDoc(id, p, to))
		if err != nil {
			return err
		}
		result, err := s.payments.UpdateOne(ctx, filter, update)
		if err != nil {
			return s.duplicate(ctx, err, s.payments, paymentKeys(p), notID(id))
		}
		if result.MatchedCount == 0 {
			return store.ErrStale
		}
		return nil
	})
}

// ListPayments implements store.Store.
func (s *Store) ListPayments(ctx context.Context, q store.PaymentQuery) (payments []*store.Payment, err error) {
	err = s.call(ctx, "list payments", func(ctx context.Context) error {
		filter := bson.D{{Key: "userId", Value: q.UserID}}
		if q.Before != "" {
			before, err := parseID(q.Before)
			if err != nil {
				return err
			}
			filter = append(filter, bson.E{Key: "_id", Value: bson.D{{Key: "$lt", Value: before}}})
		}
		// Few payments lack an intent: they are skipped, not indexed.
		filter = append(filter, bson.E{Key: "intentId", Value: bson.D{{Key: "$exists", Value: true}}})
		payments, err = find[paymentDoc](ctx, s.payments, filter, userPayments(), bson.D{{Key: "_id", Value: -1}}, q.Limit)
		return err
	})
	return payments, err
}

// PaymentsToCheck implements store.Store.
func (s *Store) PaymentsToCheck(ctx context.Context, now time.Time, limit int) (payments []*store.Payment, err error) {
	err = s.call(ctx, "find payments to check", func(ctx context.Context) error {
		payments, err = find[paymentDoc](ctx, s.payments, notAfter("checkAt", now), ascending("checkAt"), ascending("checkAt"), limit)
		return err
	})
	return payments, err
}
