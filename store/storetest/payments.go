package storetest

import (
	"math"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var paymentTests = []test{
	{"every field comes back", paymentRoundTrip},
	{"zero values come back as zero values", paymentZeroValues},
	{"times are cut to milliseconds", paymentMilliseconds},
	{"amounts are exact", paymentAmounts},
	{"an insert sets version 1", paymentInsertVersion},
	{"an update replaces every field and counts the version", paymentUpdate},
	{"an update can empty every field", paymentUpdateToZero},
	{"a lookup of nothing is ErrNotFound", paymentNotFound},
	{"a cuid is unique for its user, not among users", paymentCUIDUnique},
	{"an intent is unique among payments that have one", paymentIntentUnique},
	{"a repeated insert is ErrPaymentExists", paymentInsertTwice},
	{"an update of an old version is ErrStale and changes nothing", paymentUpdateStale},
}

// fullPayment returns a payment with a value in every field.
func fullPayment(userID string, n int) *store.Payment {
	p := newPayment(userID, n)
	p.PaymentMethod = "pm_1"
	p.Attempt = 3
	p.ConfirmAttempt = 1 << 40
	p.DeclineCode = "insufficient_funds"
	p.ErrorCode = "card_declined"
	p.CheckAt = at(n + 1)
	p.UpdatedAt = at(n + 2)
	return p
}

func paymentRoundTrip(t *testing.T, s store.Store) {
	p := insertPayment(t, s, fullPayment("u1", 1))
	insertPayment(t, s, fullPayment("u1", 2))
	wantPayment(t, s, *p)
	got, err := s.PaymentByIntent(t.Context(), p.IntentID)
	if err != nil || *got != *p {
		t.Errorf("PaymentByIntent: got %+v, %v, want %+v", got, err, *p)
	}
}

func paymentZeroValues(t *testing.T, s store.Store) {
	p := insertPayment(t, s, &store.Payment{ID: store.NewID(at(1)), UserID: "u1", CUID: "c"})
	wantPayment(t, s, *p)
}

func paymentMilliseconds(t *testing.T, s store.Store) {
	p := newPayment("u1", 1)
	fine := at(1).Add(999_999 * time.Nanosecond)
	p.CheckAt, p.CreatedAt, p.UpdatedAt = fine, fine, fine
	insertPayment(t, s, p)
	want := *p
	want.CheckAt, want.CreatedAt, want.UpdatedAt = at(1), at(1), at(1)
	wantPayment(t, s, want)
}

func paymentAmounts(t *testing.T, s store.Store) {
	for i, amount := range []int64{0, 1, 99_999_999, 1<<53 + 1, math.MaxInt64} {
		p := newPayment("u1", i)
		p.Amount = amount
		insertPayment(t, s, p)
		wantPayment(t, s, *p)
	}
}

func paymentInsertVersion(t *testing.T, s store.Store) {
	p := newPayment("u1", 1)
	p.Version = 7
	insertPayment(t, s, p)
	if p.Version != 1 {
		t.Errorf("caller's version: got %d, want 1", p.Version)
	}
	wantPayment(t, s, *p)
}

func paymentUpdate(t *testing.T, s store.Store) {
	other := insertPayment(t, s, newPayment("u1", 2))
	p := insertPayment(t, s, newPayment("u1", 1))
	id := p.ID
	for version := int64(2); version <= 4; version++ {
		*p = *fullPayment("u2", 10+int(version))
		p.Amount, p.Currency = 3000+version, "eur"
		p.ID, p.Version = id, version-1
		if err := s.UpdatePayment(t.Context(), p); err != nil {
			t.Fatalf("UpdatePayment: %v", err)
		}
		if p.Version != version {
			t.Errorf("caller's version: got %d, want %d", p.Version, version)
		}
		wantPayment(t, s, *p)
	}
	_, err := s.PaymentByIntent(t.Context(), newPayment("u1", 1).IntentID)
	wantErr(t, "PaymentByIntent of the old intent", err, store.ErrNotFound)
	wantPayment(t, s, *other)
}

func paymentUpdateToZero(t *testing.T, s store.Store) {
	p := insertPayment(t, s, fullPayment("u1", 1))
	*p = store.Payment{ID: p.ID, UserID: p.UserID, CUID: p.CUID, Version: p.Version}
	if err := s.UpdatePayment(t.Context(), p); err != nil {
		t.Fatalf("UpdatePayment: %v", err)
	}
	wantPayment(t, s, *p)
	_, err := s.PaymentByIntent(t.Context(), newPayment("u1", 1).IntentID)
	wantErr(t, "PaymentByIntent of the old intent", err, store.ErrNotFound)
}

func paymentNotFound(t *testing.T, s store.Store) {
	insertPayment(t, s, newPayment("u1", 1))
	for _, key := range [][2]string{{"u1", "cuid-2"}, {"u2", "cuid-1"}, {"u1", "CUID-1"}, {"", "cuid-1"}, {"u1", ""}} {
		_, err := s.PaymentByCUID(t.Context(), key[0], key[1])
		wantErr(t, "PaymentByCUID of "+key[0]+"/"+key[1], err, store.ErrNotFound)
	}
	_, err := s.PaymentByIntent(t.Context(), "pi_none")
	wantErr(t, "PaymentByIntent", err, store.ErrNotFound)
	wantErr(t, "UpdatePayment", s.UpdatePayment(t.Context(), newPayment("u1", 2)), store.ErrStale)
}

func paymentCUIDUnique(t *testing.T, s store.Store) {
	first := insertPayment(t, s, newPayment("u1", 1))

	again := newPayment("u1", 2)
	again.CUID = first.CUID
	before := *again
	wantErr(t, "InsertPayment", s.InsertPayment(t.Context(), again), store.ErrPaymentExists)
	if *again != before {
		t.Errorf("caller's payment after a failed insert: got %+v, want %+v", *again, before)
	}
	_, err := s.PaymentByIntent(t.Context(), again.IntentID)
	wantErr(t, "PaymentByIntent of the payment that was not inserted", err, store.ErrNotFound)
	wantPayment(t, s, *first)

	// Keys that would be the same if they were glued together, too.
	for i, key := range [][2]string{{"u2", first.CUID}, {"ab", "c"}, {"a", "bc"}, {"u1", "Cuid-1"}} {
		p := newPayment(key[0], 10+i)
		p.CUID = key[1]
		insertPayment(t, s, p)
		wantPayment(t, s, *p)
	}
}

func paymentIntentUnique(t *testing.T, s store.Store) {
	owner := insertPayment(t, s, newPayment("u1", 1))
	var pending *store.Payment
	for n := 2; n <= 4; n++ {
		pending = newPayment("u1", n)
		pending.IntentID = ""
		insertPayment(t, s, pending)
	}

	again := newPayment("u2", 5)
	again.IntentID = owner.IntentID
	before := *again
	wantErr(t, "InsertPayment", s.InsertPayment(t.Context(), again), store.ErrPaymentExists)
	if *again != before {
		t.Errorf("caller's payment after a failed insert: got %+v, want %+v", *again, before)
	}
	_, err := s.PaymentByCUID(t.Context(), again.UserID, again.CUID)
	wantErr(t, "PaymentByCUID of the payment that was not inserted", err, store.ErrNotFound)

	changed := *pending
	changed.IntentID, changed.Status = owner.IntentID, "succeeded"
	before = changed
	wantErr(t, "UpdatePayment", s.UpdatePayment(t.Context(), &changed), store.ErrPaymentExists)
	if changed != before {
		t.Errorf("caller's payment after a failed update: got %+v, want %+v", changed, before)
	}
	wantPayment(t, s, *pending)
	wantPayment(t, s, *owner)
}

// A caller that was told ErrUnavailable inserts again what may be there.
func paymentInsertTwice(t *testing.T, s store.Store) {
	p := insertPayment(t, s, newPayment("u1", 1))
	again := *p
	again.Amount++
	wantErr(t, "second InsertPayment", s.InsertPayment(t.Context(), &again), store.ErrPaymentExists)
	wantPayment(t, s, *p)
}

func paymentUpdateStale(t *testing.T, s store.Store) {
	p := insertPayment(t, s, newPayment("u1", 1))
	stale := *p
	p.Status = "succeeded"
	if err := s.UpdatePayment(t.Context(), p); err != nil {
		t.Fatalf("UpdatePayment: %v", err)
	}
	for _, version := range []int64{stale.Version, 0, p.Version + 1} {
		stale.Status, stale.Version = "processing", version
		before := stale
		wantErr(t, "UpdatePayment", s.UpdatePayment(t.Context(), &stale), store.ErrStale)
		if stale != before {
			t.Errorf("caller's payment after a lost race: got %+v, want %+v", stale, before)
		}
		wantPayment(t, s, *p)
	}
}
