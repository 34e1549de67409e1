package payments_test

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/storetest"
)

// memory is a store.Store for the tests that need many: it passes the same
// conformance suite as the real ones and takes no disk.
type memory struct {
	mu       sync.Mutex
	users    map[string]store.User
	payments map[string]store.Payment
	leases   map[string]lease
	attempts map[string]attempts
	closed   bool
}

type lease struct {
	holder, cursor string
	until          time.Time
}

func newMemory() *memory {
	return &memory{users: map[string]store.User{}, payments: map[string]store.Payment{}, leases: map[string]lease{}, attempts: map[string]attempts{}}
}

func TestMemoryIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(*testing.T) store.Store { return newMemory() })
}

// enter begins a call, unless it can have no effect any more.
func (m *memory) enter(ctx context.Context) error {
	m.mu.Lock()
	if err := ctx.Err(); err != nil {
		m.mu.Unlock()
		return err
	}
	if m.closed {
		m.mu.Unlock()
		return store.ErrUnavailable
	}
	return nil
}

func millis(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Millisecond)
}

func storedUser(u store.User) store.User {
	u.SyncAt, u.CreatedAt, u.UpdatedAt = millis(u.SyncAt), millis(u.CreatedAt), millis(u.UpdatedAt)
	return u
}

func storedPayment(p store.Payment) store.Payment {
	p.CheckAt, p.CreatedAt, p.UpdatedAt = millis(p.CheckAt), millis(p.CreatedAt), millis(p.UpdatedAt)
	return p
}

// taken is the unique index that u would break.
func (m *memory) taken(u store.User) error {
	var err error
	for _, other := range m.users {
		switch {
		case other.ID == u.ID:
		case other.EmailKey == u.EmailKey:
			return store.ErrEmailTaken
		case u.CustomerID != "" && other.CustomerID == u.CustomerID:
			err = store.ErrCustomerTaken
		}
	}
	return err
}

func (m *memory) exists(p store.Payment) bool {
	for _, other := range m.payments {
		if other.ID != p.ID && (other.UserID == p.UserID && other.CUID == p.CUID || p.IntentID != "" && other.IntentID == p.IntentID) {
			return true
		}
	}
	return false
}

func (m *memory) InsertUser(ctx context.Context, u *store.User) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.users[u.ID]; ok {
		return store.ErrEmailTaken
	}
	if err := m.taken(*u); err != nil {
		return err
	}
	u.Version = 1
	m.users[u.ID] = storedUser(*u)
	return nil
}

func (m *memory) user(ctx context.Context, is func(store.User) bool) (*store.User, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	for _, u := range m.users {
		if is(u) {
			return &u, nil
		}
	}
	return nil, store.ErrNotFound
}

func (m *memory) User(ctx context.Context, id string) (*store.User, error) {
	return m.user(ctx, func(u store.User) bool { return u.ID == id })
}

func (m *memory) UserByEmail(ctx context.Context, key string) (*store.User, error) {
	return m.user(ctx, func(u store.User) bool { return u.EmailKey == key })
}

func (m *memory) UserByCustomer(ctx context.Context, id string) (*store.User, error) {
	return m.user(ctx, func(u store.User) bool { return u.CustomerID == id })
}

func (m *memory) UpdateUser(ctx context.Context, u *store.User) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.users[u.ID].Version != u.Version || u.Version == 0 {
		return store.ErrStale
	}
	if err := m.taken(*u); err != nil {
		return err
	}
	u.Version++
	m.users[u.ID] = storedUser(*u)
	return nil
}

func (m *memory) DeleteUser(ctx context.Context, u *store.User) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if stored, ok := m.users[u.ID]; !ok || stored.Version != u.Version {
		return store.ErrStale
	}
	delete(m.users, u.ID)
	return nil
}

// pageOf returns the rows that keep accepts, in order, limit at most.
func pageOf[T any](rows map[string]T, keep func(T) bool, order func(a, b T) int, limit int) []*T {
	kept := slices.DeleteFunc(slices.Collect(maps.Values(rows)), func(v T) bool { return !keep(v) })
	slices.SortFunc(kept, order)
	var page []*T
	for _, v := range kept[:min(limit, len(kept))] {
		page = append(page, &v)
	}
	return page
}

func (m *memory) ListUsers(ctx context.Context, q store.UserQuery) ([]*store.User, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return pageOf(m.users, func(u store.User) bool {
		return u.ID > q.After && (q.VisibleTo == "" || u.ID == q.VisibleTo || u.CreatedBy == q.VisibleTo)
	}, byUserID, q.Limit), nil
}

func byUserID(a, b store.User) int { return cmp.Compare(a.ID, b.ID) }

func (m *memory) ListAdmins(ctx context.Context) ([]*store.User, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return pageOf(m.users, func(u store.User) bool { return u.Admin }, byUserID, store.MaxPage), nil
}

func (m *memory) UsersToSync(ctx context.Context, now time.Time, limit int) ([]*store.User, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return pageOf(m.users, func(u store.User) bool { return !u.SyncAt.IsZero() && !u.SyncAt.After(now) },
		func(a, b store.User) int { return cmp.Or(a.SyncAt.Compare(b.SyncAt), byUserID(a, b)) }, limit), nil
}

func (m *memory) InsertPayment(ctx context.Context, p *store.Payment) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if _, ok := m.payments[p.ID]; ok || m.exists(*p) {
		return store.ErrPaymentExists
	}
	p.Version = 1
	m.payments[p.ID] = storedPayment(*p)
	return nil
}

func (m *memory) payment(ctx context.Context, is func(store.Payment) bool) (*store.Payment, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	for _, p := range m.payments {
		if is(p) {
			return &p, nil
		}
	}
	return nil, store.ErrNotFound
}

func (m *memory) PaymentByCUID(ctx context.Context, userID, cuid string) (*store.Payment, error) {
	return m.payment(ctx, func(p store.Payment) bool { return p.UserID == userID && p.CUID == cuid })
}

func (m *memory) PaymentByIntent(ctx context.Context, id string) (*store.Payment, error) {
	return m.payment(ctx, func(p store.Payment) bool { return p.IntentID == id })
}

func (m *memory) UpdatePayment(ctx context.Context, p *store.Payment) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.payments[p.ID].Version != p.Version || p.Version == 0 {
		return store.ErrStale
	}
	if m.exists(*p) {
		return store.ErrPaymentExists
	}
	p.Version++
	m.payments[p.ID] = storedPayment(*p)
	return nil
}

func (m *memory) ListPayments(ctx context.Context, q store.PaymentQuery) ([]*store.Payment, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return pageOf(m.payments, func(p store.Payment) bool {
		return p.UserID == q.UserID && p.IntentID != "" && (q.Before == "" || p.ID < q.Before)
	}, func(a, b store.Payment) int { return cmp.Compare(b.ID, a.ID) }, q.Limit), nil
}

func (m *memory) PaymentsToCheck(ctx context.Context, now time.Time, limit int) ([]*store.Payment, error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return pageOf(m.payments, func(p store.Payment) bool { return !p.CheckAt.IsZero() && !p.CheckAt.After(now) },
		func(a, b store.Payment) int { return cmp.Or(a.CheckAt.Compare(b.CheckAt), cmp.Compare(a.ID, b.ID)) }, limit), nil
}

func (m *memory) AcquireLease(ctx context.Context, name, holder string, now time.Time, ttl time.Duration) (string, bool, error) {
	if err := m.enter(ctx); err != nil {
		return "", false, err
	}
	defer m.mu.Unlock()
	l := m.leases[name]
	if l.holder != "" && l.holder != holder && l.until.After(now) {
		return "", false, nil
	}
	l.holder, l.until = holder, millis(now.Add(ttl))
	m.leases[name] = l
	return l.cursor, true, nil
}

func (m *memory) SaveCursor(ctx context.Context, name, holder, cursor string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	l, ok := m.leases[name]
	if !ok || l.holder != holder {
		return store.ErrStale
	}
	l.cursor = cursor
	m.leases[name] = l
	return nil
}

func (m *memory) ReleaseLease(ctx context.Context, name, holder string) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if l := m.leases[name]; l.holder == holder {
		l.holder = ""
		m.leases[name] = l
	}
	return nil
}

func (m *memory) Ping(ctx context.Context) error {
	if err := m.enter(ctx); err != nil {
		return err
	}
	m.mu.Unlock()
	return nil
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
