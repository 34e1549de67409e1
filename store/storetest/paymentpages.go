package storetest

import (
	"slices"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

var paymentPageTests = []test{
	{"a user without payments has none", noPayments},
	{"payments come newest first, limit at most, behind the cursor", paymentPages},
	{"payments without an intent are not listed", paymentPagesIntent},
	{"paging misses and repeats nothing while payments come", paymentPagesChanging},
}

func listPayments(t *testing.T, s store.Store, q store.PaymentQuery) []string {
	t.Helper()
	payments, err := s.ListPayments(t.Context(), q)
	if err != nil {
		t.Fatalf("ListPayments(%+v): %v", q, err)
	}
	return paymentIDs(payments)
}

func noPayments(t *testing.T, s store.Store) {
	insertPayment(t, s, newPayment("u1", 1))
	if got := listPayments(t, s, store.PaymentQuery{UserID: "u2", Limit: 10}); len(got) != 0 {
		t.Errorf("got %v, want none", got)
	}
}

func paymentPages(t *testing.T, s store.Store) {
	// ids is newest first; another user's payments lie between.
	ids := make([]string, 7)
	want := map[string]store.Payment{}
	for _, n := range []int{4, 0, 6, 2, 5, 1, 3} {
		p := insertPayment(t, s, fullPayment("u1", 10*n))
		insertPayment(t, s, fullPayment("u2", 10*n+5))
		ids[6-n], want[p.ID] = p.ID, *p
	}
	for _, tt := range []struct {
		name   string
		before string
		limit  int
		want   []string
	}{
		{"all", "", store.MaxPage, ids},
		{"exactly all", "", 7, ids},
		{"one", "", 1, ids[:1]},
		{"first page", "", 3, ids[:3]},
		{"second page", ids[2], 3, ids[3:6]},
		{"last page", ids[5], 3, ids[6:]},
		{"behind the last", ids[6], 3, nil},
		{"behind an id that nothing has", store.NewID(at(25)), 2, ids[4:6]},
	} {
		q := store.PaymentQuery{UserID: "u1", Before: tt.before, Limit: tt.limit}
		if got := listPayments(t, s, q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: ListPayments(%+v):\n got %v\nwant %v", tt.name, q, got, tt.want)
		}
	}
	payments, err := s.ListPayments(t.Context(), store.PaymentQuery{UserID: "u1", Limit: 7})
	if err != nil {
		t.Fatalf("ListPayments: %v", err)
	}
	for _, p := range payments {
		if *p != want[p.ID] {
			t.Errorf("listed payment\n got %+v\nwant %+v", *p, want[p.ID])
		}
	}
}

func paymentPagesIntent(t *testing.T, s store.Store) {
	var want []string
	var pending *store.Payment
	for n := range 8 {
		p := newPayment("u1", n)
		if n%2 == 1 {
			p.IntentID = ""
			pending = p
		}
		insertPayment(t, s, p)
		if p.IntentID != "" {
			want = append([]string{p.ID}, want...)
		}
	}
	q := store.PaymentQuery{UserID: "u1", Limit: 4}
	if got := listPayments(t, s, q); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}

	pending.IntentID = "pi_late"
	if err := s.UpdatePayment(t.Context(), pending); err != nil {
		t.Fatalf("UpdatePayment: %v", err)
	}
	want = append([]string{pending.ID}, want...)[:4]
	if got := listPayments(t, s, q); !slices.Equal(got, want) {
		t.Errorf("after the intent was made: got %v, want %v", got, want)
	}
}

// Between pages payments come on either side of the cursor, and an old one
// gets its intent.
func paymentPagesChanging(t *testing.T, s store.Store) {
	var permanent []string
	for n := range 9 {
		permanent = append(permanent, insertPayment(t, s, newPayment("u1", 100*n)).ID)
	}
	seen := map[string]int{}
	q := store.PaymentQuery{UserID: "u1", Limit: 2}
	for page := 1; ; page++ {
		got := listPayments(t, s, q)
		for _, id := range got {
			seen[id]++
		}
		if len(got) == 0 || page > 100 {
			break
		}
		if page <= 6 {
			insertPayment(t, s, newPayment("u1", 1000+page))
			late := newPayment("u1", page)
			late.IntentID = ""
			insertPayment(t, s, late)
			late.IntentID = "pi_late_" + late.ID
			if err := s.UpdatePayment(t.Context(), late); err != nil {
				t.Fatalf("UpdatePayment: %v", err)
			}
		}
		q.Before = got[len(got)-1]
	}
	for _, id := range permanent {
		if seen[id] != 1 {
			t.Errorf("payment %s was listed %d times, want once", id, seen[id])
		}
	}
	for id, times := range seen {
		if times > 1 {
			t.Errorf("payment %s was listed %d times", id, times)
		}
	}
}
