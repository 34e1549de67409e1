package storetest

import (
	"slices"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var dueTests = []test{
	{"users to sync come oldest first, limit at most, when due", usersToSync},
	{"a user who was synced is no longer due", usersToSyncCleared},
	{"payments to check come oldest first, limit at most, when due", paymentsToCheck},
	{"a payment that was settled is no longer due", paymentsToCheckCleared},
}

// dueCases are asked of documents due at the seconds 50, 10, 40, 20, 30 and
// never, in this order of their ids; want gives the seconds.
var dueCases = []struct {
	name  string
	now   time.Time
	limit int
	want  []int
}{
	{"before any", at(10).Add(-time.Millisecond), 10, nil},
	{"at the very time of one", at(10), 10, []int{10}},
	{"a millisecond before the next", at(20).Add(-time.Millisecond), 10, []int{10}},
	{"some", at(35), 10, []int{10, 20, 30}},
	{"all, much later", at(1e6), 10, []int{10, 20, 30, 40, 50}},
	{"exactly all", at(1e6), 5, []int{10, 20, 30, 40, 50}},
	{"limited", at(1e6), 2, []int{10, 20}},
}

var dueSeconds = []int{50, 10, 40, 20, 30}

func usersToSync(t *testing.T, s store.Store) {
	ids := map[int]string{}
	for n, second := range dueSeconds {
		u := newUser(n)
		u.SyncAt = at(second)
		ids[second] = insertUser(t, s, u).ID
	}
	insertUser(t, s, newUser(100))
	for _, tt := range dueCases {
		var want []string
		for _, second := range tt.want {
			want = append(want, ids[second])
		}
		got, err := s.UsersToSync(t.Context(), tt.now, tt.limit)
		if err != nil || !slices.Equal(userIDs(got), want) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, userIDs(got), err, want)
		}
	}
}

func usersToSyncCleared(t *testing.T, s store.Store) {
	u := fullUser(1)
	u.SyncAt = at(1)
	insertUser(t, s, u)
	due, err := s.UsersToSync(t.Context(), at(2), 10)
	if err != nil || len(due) != 1 || *due[0] != *u {
		t.Fatalf("UsersToSync: got %v, %v, want the inserted user", due, err)
	}
	due[0].SyncAt = time.Time{}
	if err := s.UpdateUser(t.Context(), due[0]); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	if due, err = s.UsersToSync(t.Context(), at(2), 10); err != nil || len(due) != 0 {
		t.Errorf("UsersToSync: got %v, %v, want none", due, err)
	}
}

func paymentsToCheck(t *testing.T, s store.Store) {
	ids := map[int]string{}
	for n, second := range dueSeconds {
		p := newPayment("u1", n)
		p.CheckAt = at(second)
		if n == 0 {
			// Due also while there is no intent.
			p.IntentID, p.Status = "", ""
		}
		ids[second] = insertPayment(t, s, p).ID
	}
	insertPayment(t, s, newPayment("u1", 100))
	for _, tt := range dueCases {
		var want []string
		for _, second := range tt.want {
			want = append(want, ids[second])
		}
		got, err := s.PaymentsToCheck(t.Context(), tt.now, tt.limit)
		if err != nil || !slices.Equal(paymentIDs(got), want) {
			t.Errorf("%s: got %v, %v, want %v", tt.name, paymentIDs(got), err, want)
		}
	}
}

func paymentsToCheckCleared(t *testing.T, s store.Store) {
	p := insertPayment(t, s, fullPayment("u1", 1))
	due, err := s.PaymentsToCheck(t.Context(), at(9), 10)
	if err != nil || len(due) != 1 || *due[0] != *p {
		t.Fatalf("PaymentsToCheck: got %v, %v, want the inserted payment", due, err)
	}
	due[0].CheckAt = time.Time{}
	if err := s.UpdatePayment(t.Context(), due[0]); err != nil {
		t.Fatalf("UpdatePayment: %v", err)
	}
	if due, err = s.PaymentsToCheck(t.Context(), at(9), 10); err != nil || len(due) != 0 {
		t.Errorf("PaymentsToCheck: got %v, %v, want none", due, err)
	}
}
