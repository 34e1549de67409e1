package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/nestpayments/nestpayments/store"
)

// Store returns a store that does as db does and measures every call but Close.
func (t *Telemetry) Store(db store.Store) store.Store { return &observed{db: db, t: t} }

// observed is a store under observation.
type observed struct {
	db store.Store
	t  *Telemetry
}

// call is one call to the store under way.
type call struct {
	t       *Telemetry
	name    string
	started time.Time
	span    trace.Span
	work    *Work
}

// begin starts the observation of a call. The returned context is for the call.
func (o *observed) begin(ctx context.Context, name string) (context.Context, call) {
	c := call{t: o.t, name: name, started: time.Now(), work: workOf(ctx)}
	if within(ctx) {
		ctx, c.span = o.t.tracer.Start(ctx, "store "+name, trace.WithSpanKind(trace.SpanKindClient))
	}
	return ctx, c
}

// end notes how the call came out.
func (c call) end(err error) {
	result := outcome(err)
	c.work.addStore()
	c.t.store.WithLabelValues(c.name, result).Observe(time.Since(c.started).Seconds())
	if c.span == nil {
		return
	}
	c.span.SetAttributes(attribute.String("outcome", result))
	if result == "unavailable" || result == "failed" {
		c.span.SetStatus(codes.Error, result)
	}
	c.span.End()
}

// outcome names what the store's errors mean.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, store.ErrNotFound):
		return "not_found"
	case errors.Is(err, store.ErrStale):
		return "stale"
	case errors.Is(err, store.ErrEmailTaken), errors.Is(err, store.ErrCustomerTaken), errors.Is(err, store.ErrPaymentExists):
		return "conflict"
	case errors.Is(err, store.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, context.Canceled):
		return "canceled"
	}
	return "failed"
}

// do observes a call that returns an error alone.
func (o *observed) do(ctx context.Context, name string, f func(context.Context) error) error {
	ctx, c := o.begin(ctx, name)
	err := f(ctx)
	c.end(err)
	return err
}

// get observes a call that returns something.
func get[T any](ctx context.Context, o *observed, name string, f func(context.Context) (T, error)) (T, error) {
	ctx, c := o.begin(ctx, name)
	v, err := f(ctx)
	c.end(err)
	return v, err
}

func (o *observed) InsertUser(ctx context.Context, u *store.User) error {
	return o.do(ctx, "insert_user", func(ctx context.Context) error { return o.db.InsertUser(ctx, u) })
}

func (o *observed) User(ctx context.Context, id string) (*store.User, error) {
	return get(ctx, o, "user", func(ctx context.Context) (*store.User, error) { return o.db.User(ctx, id) })
}

func (o *observed) UserByEmail(ctx context.Context, emailKey string) (*store.User, error) {
	return get(ctx, o, "user_by_email", func(ctx context.Context) (*store.User, error) { return o.db.UserByEmail(ctx, emailKey) })
}

func (o *observed) UserByCustomer(ctx context.Context, customerID string) (*store.User, error) {
	return get(ctx, o, "user_by_customer", func(ctx context.Context) (*store.User, error) { return o.db.UserByCustomer(ctx, customerID) })
}

func (o *observed) UpdateUser(ctx context.Context, u *store.User) error {
	return o.do(ctx, "update_user", func(ctx context.Context) error { return o.db.UpdateUser(ctx, u) })
}

func (o *observed) DeleteUser(ctx context.Context, u *store.User) error {
	return o.do(ctx, "delete_user", func(ctx context.Context) error { return o.db.DeleteUser(ctx, u) })
}

func (o *observed) ListUsers(ctx context.Context, q store.UserQuery) ([]*store.User, error) {
	return get(ctx, o, "list_users", func(ctx context.Context) ([]*store.User, error) { return o.db.ListUsers(ctx, q) })
}

func (o *observed) ListAdmins(ctx context.Context) ([]*store.User, error) {
	return get(ctx, o, "list_admins", func(ctx context.Context) ([]*store.User, error) { return o.db.ListAdmins(ctx) })
}

func (o *observed) UsersToSync(ctx context.Context, now time.Time, limit int) ([]*store.User, error) {
	return get(ctx, o, "users_to_sync", func(ctx context.Context) ([]*store.User, error) { return o.db.UsersToSync(ctx, now, limit) })
}

func (o *observed) InsertPayment(ctx context.Context, p *store.Payment) error {
	return o.do(ctx, "insert_payment", func(ctx context.Context) error { return o.db.InsertPayment(ctx, p) })
}

func (o *observed) PaymentByCUID(ctx context.Context, userID, cuid string) (*store.Payment, error) {
	return get(ctx, o, "payment_by_cuid", func(ctx context.Context) (*store.Payment, error) { return o.db.PaymentByCUID(ctx, userID, cuid) })
}

func (o *observed) PaymentByIntent(ctx context.Context, intentID string) (*store.Payment, error) {
	return get(ctx, o, "payment_by_intent", func(ctx context.Context) (*store.Payment, error) { return o.db.PaymentByIntent(ctx, intentID) })
}

func (o *observed) UpdatePayment(ctx context.Context, p *store.Payment) error {
	return o.do(ctx, "update_payment", func(ctx context.Context) error { return o.db.UpdatePayment(ctx, p) })
}

func (o *observed) ListPayments(ctx context.Context, q store.PaymentQuery) ([]*store.Payment, error) {
	return get(ctx, o, "list_payments", func(ctx context.Context) ([]*store.Payment, error) { return o.db.ListPayments(ctx, q) })
}

func (o *observed) PaymentsToCheck(ctx context.Context, now time.Time, limit int) ([]*store.Payment, error) {
	return get(ctx, o, "payments_to_check", func(ctx context.Context) ([]*store.Payment, error) { return o.db.PaymentsToCheck(ctx, now, limit) })
}

func (o *observed) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (string, bool, error) {
	ctx, c := o.begin(ctx, "acquire_lease")
	cursor, ok, err := o.db.AcquireLease(ctx, name, holder, now, ttl)
	c.end(err)
	return cursor, ok, err
}

func (o *observed) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	return o.do(ctx, "save_cursor", func(ctx context.Context) error { return o.db.SaveCursor(ctx, name, holder, cursor) })
}

func (o *observed) ReleaseLease(ctx context.Context, name, holder string) error {
	return o.do(ctx, "release_lease", func(ctx context.Context) error { return o.db.ReleaseLease(ctx, name, holder) })
}

func (o *observed) CountAttempt(ctx context.Context, a store.Attempt, limit int) (bool, error) {
	return get(ctx, o, "count_attempt", func(ctx context.Context) (bool, error) { return o.db.CountAttempt(ctx, a, limit) })
}

func (o *observed) UncountAttempt(ctx context.Context, key string) error {
	return o.do(ctx, "uncount_attempt", func(ctx context.Context) error { return o.db.UncountAttempt(ctx, key) })
}

func (o *observed) Attempts(ctx context.Context, key string) (int, error) {
	return get(ctx, o, "attempts", func(ctx context.Context) (int, error) { return o.db.Attempts(ctx, key) })
}

func (o *observed) AttemptKeys(ctx context.Context, q store.AttemptQuery) (int, error) {
	return get(ctx, o, "attempt_keys", func(ctx context.Context) (int, error) { return o.db.AttemptKeys(ctx, q) })
}

func (o *observed) ForgetAttempts(ctx context.Context, key string) error {
	return o.do(ctx, "forget_attempts", func(ctx context.Context) error { return o.db.ForgetAttempts(ctx, key) })
}

func (o *observed) PruneAttempts(ctx context.Context, now time.Time, limit int) (int, error) {
	return get(ctx, o, "prune_attempts", func(ctx context.Context) (int, error) { return o.db.PruneAttempts(ctx, now, limit) })
}

func (o *observed) Ping(ctx context.Context) error {
	return o.do(ctx, "ping", func(ctx context.Context) error { return o.db.Ping(ctx) })
}

func (o *observed) Close() error { return o.db.Close() }
