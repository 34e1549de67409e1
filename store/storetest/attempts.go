package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var attemptTests = []test{
	{"attempts are counted up to the limit", attemptLimit},
	{"a higher limit makes room, a lower one takes nothing back", attemptOtherLimit},
	{"keys are found by account, site and address", attemptQueries},
	{"an attempt without an account or address is found by its key alone", attemptBare},
	{"what is taken back makes room for as much", attemptUncount},
	{"a key that was forgotten is new", attemptForget},
	{"of the keys that have expired the oldest are removed, and no others", attemptPrune},
}

// newAttempt returns the n-th attempt: another key, account, site and address
// than those of any other.
func newAttempt(n int) store.Attempt {
	return store.Attempt{
		Key: fmt.Sprint("key", n), Account: fmt.Sprint("account", n),
		Site: fmt.Sprint("site", n), Address: fmt.Sprint("address", n), Expires: at(n),
	}
}

// count checks the outcome of CountAttempt.
func count(t *testing.T, s store.Store, a store.Attempt, limit int, want bool) {
	t.Helper()
	ok, err := s.CountAttempt(t.Context(), a, limit)
	if err != nil || ok != want {
		t.Fatalf("CountAttempt of %s up to %d: got %v, %v, want %v", a.Key, limit, ok, err, want)
	}
}

func wantAttempts(t *testing.T, s store.Store, key string, want int) {
	t.Helper()
	if got, err := s.Attempts(t.Context(), key); err != nil || got != want {
		t.Errorf("Attempts of %s: got %d, %v, want %d", key, got, err, want)
	}
}

func wantKeys(t *testing.T, s store.Store, q store.AttemptQuery, want int) {
	t.Helper()
	if got, err := s.AttemptKeys(t.Context(), q); err != nil || got != want {
		t.Errorf("AttemptKeys %+v: got %d, %v, want %d", q, got, err, want)
	}
}

func attemptLimit(t *testing.T, s store.Store) {
	a := newAttempt(1)
	wantAttempts(t, s, a.Key, 0)
	for n := range 3 {
		count(t, s, a, 3, true)
		wantAttempts(t, s, a.Key, n+1)
	}
	count(t, s, a, 3, false)
	count(t, s, newAttempt(2), 3, true)
	wantAttempts(t, s, a.Key, 3)
}

func attemptOtherLimit(t *testing.T, s store.Store) {
	a := newAttempt(1)
	count(t, s, a, 2, true)
	count(t, s, a, 1, false)
	count(t, s, a, 2, true)
	count(t, s, a, 2, false)
	count(t, s, a, 3, true)
	wantAttempts(t, s, a.Key, 3)
}

func attemptQueries(t *testing.T, s store.Store) {
	for n := range 6 {
		a := newAttempt(n)
		a.Account, a.Site, a.Address = "account", fmt.Sprint("site", n%2), fmt.Sprint("address", n%3)
		count(t, s, a, 5, true)
		count(t, s, a, 5, true)
	}
	wantKeys(t, s, store.AttemptQuery{Account: "account", Limit: 100}, 6)
	wantKeys(t, s, store.AttemptQuery{Account: "account", Limit: 6}, 6)
	wantKeys(t, s, store.AttemptQuery{Account: "account", Limit: 5}, 5)
	wantKeys(t, s, store.AttemptQuery{Account: "account", Site: "site0", Limit: 100}, 3)
	wantKeys(t, s, store.AttemptQuery{Account: "account", Site: "site1", Limit: 2}, 2)
	wantKeys(t, s, store.AttemptQuery{Account: "account", Site: "site2", Limit: 100}, 0)
	wantKeys(t, s, store.AttemptQuery{Account: "other", Site: "site0", Limit: 100}, 0)
	wantKeys(t, s, store.AttemptQuery{Account: "other", Limit: 100}, 0)
	wantKeys(t, s, store.AttemptQuery{Address: "address0", Limit: 100}, 2)
	wantKeys(t, s, store.AttemptQuery{Address: "address0", Limit: 1}, 1)
	wantKeys(t, s, store.AttemptQuery{Address: "address3", Limit: 100}, 0)
}

func attemptBare(t *testing.T, s store.Store) {
	count(t, s, store.Attempt{Key: "bare", Expires: at(1)}, 5, true)
	count(t, s, store.Attempt{Key: "bare too", Expires: at(1)}, 5, true)
	wantAttempts(t, s, "bare", 1)
	wantKeys(t, s, store.AttemptQuery{Account: "bare", Limit: 5}, 0)
	wantKeys(t, s, store.AttemptQuery{Address: "bare", Limit: 5}, 0)
}

func attemptUncount(t *testing.T, s store.Store) {
	a, other := newAttempt(1), newAttempt(2)
	uncount := func(key string) {
		t.Helper()
		if err := s.UncountAttempt(t.Context(), key); err != nil {
			t.Fatalf("UncountAttempt of %s: %v", key, err)
		}
	}
	uncount(a.Key) // does not exist
	wantAttempts(t, s, a.Key, 0)
	count(t, s, a, 2, true)
	count(t, s, a, 2, true)
	count(t, s, other, 2, true)
	uncount(a.Key)
	wantAttempts(t, s, a.Key, 1)
	count(t, s, a, 2, true)
	count(t, s, a, 2, false)
	for range 3 { // one more than there are
		uncount(a.Key)
	}
	wantAttempts(t, s, a.Key, 0)
	count(t, s, a, 1, true)
	count(t, s, a, 1, false)
	wantAttempts(t, s, other.Key, 1)
}

func attemptForget(t *testing.T, s store.Store) {
	a, other := newAttempt(1), newAttempt(2)
	count(t, s, a, 1, true)
	count(t, s, other, 1, true)
	for range 2 {
		if err := s.ForgetAttempts(t.Context(), a.Key); err != nil {
			t.Fatalf("ForgetAttempts: %v", err)
		}
	}
	wantAttempts(t, s, a.Key, 0)
	wantKeys(t, s, store.AttemptQuery{Address: a.Address, Limit: 5}, 0)
	count(t, s, a, 1, true)
	count(t, s, other, 1, false)
}

func attemptPrune(t *testing.T, s store.Store) {
	for _, n := range []int{4, 1, 5, 3, 2} { // in no order
		count(t, s, newAttempt(n), 1, true)
	}
	prune := func(now time.Time, limit, want int) {
		t.Helper()
		if got, err := s.PruneAttempts(t.Context(), now, limit); err != nil || got != want {
			t.Errorf("PruneAttempts: got %d, %v, want %d", got, err, want)
		}
	}
	prune(at(1).Add(-time.Millisecond), 10, 0)
	prune(at(4), 2, 2)
	for n, want := range map[int]int{1: 0, 2: 0, 3: 1, 4: 1, 5: 1} {
		wantAttempts(t, s, newAttempt(n).Key, want)
	}
	prune(at(4), 10, 2)
	prune(at(4), 10, 0)
	wantAttempts(t, s, newAttempt(5).Key, 1)
}

// errFull is a racer's word for a key without room.
var errFull = errors.New("the limit is reached")

// raceAttempts lets more racers count than there is room, on keys that are new
// and then on the same.
func raceAttempts(t *testing.T, s store.Store) {
	const room, keys = racers / 2, 8
	for key := range keys {
		counted := 0
		for _, limit := range []int{room, 2 * room} {
			for i, err := range race(2*racers, func(int) error {
				ok, err := s.CountAttempt(t.Context(), newAttempt(key), limit)
				if err == nil && !ok {
					err = errFull
				}
				return err
			}) {
				if err == nil {
					counted++
				} else if !errors.Is(err, errFull) {
					t.Errorf("racer %d: got error %v, want %v", i, err, errFull)
				}
			}
			if counted != limit {
				t.Errorf("counted up to %d: got %d, want %d", limit, counted, limit)
			}
			wantAttempts(t, s, newAttempt(key).Key, limit)
		}
	}
}

func raceAttemptKeys(t *testing.T, s store.Store) {
	for i, err := range race(racers, func(i int) error {
		a := newAttempt(i)
		a.Account = "same"
		ok, err := s.CountAttempt(t.Context(), a, 1)
		if err == nil && !ok {
			err = errFull
		}
		return err
	}) {
		if err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	wantKeys(t, s, store.AttemptQuery{Account: "same", Limit: 2 * racers}, racers)
}
