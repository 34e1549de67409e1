package storetest

import (
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var leaseTests = []test{
	{"a free lease is taken, with an empty cursor", leaseFree},
	{"a held lease excludes others until the moment it expires", leaseExclusion},
	{"its holder renews a lease", leaseRenewal},
	{"its holder takes an expired lease again", leaseRenewalLate},
	{"a cursor goes to whoever holds the lease next", leaseCursor},
	{"only the holder saves the cursor", leaseCursorHolder},
	{"a release frees the lease and keeps its cursor", leaseRelease},
	{"a release by anyone else does nothing", leaseReleaseOther},
	{"leases of different names are apart", leaseNames},
}

const ttl = time.Minute

// acquire checks the outcome of AcquireLease on the lease "l".
func acquire(t *testing.T, s store.Store, holder string, now time.Time, wantCursor string, wantOK bool) {
	t.Helper()
	cursor, ok, err := s.AcquireLease(t.Context(), "l", holder, now, ttl)
	if err != nil {
		t.Fatalf("AcquireLease by %s: %v", holder, err)
	}
	if ok != wantOK {
		t.Fatalf("AcquireLease by %s at %s: got ok %v, want %v", holder, now.Format(time.StampMilli), ok, wantOK)
	}
	if ok && cursor != wantCursor {
		t.Errorf("AcquireLease by %s: got cursor %q, want %q", holder, cursor, wantCursor)
	}
}

func save(t *testing.T, s store.Store, holder, cursor string) {
	t.Helper()
	if err := s.SaveCursor(t.Context(), "l", holder, cursor); err != nil {
		t.Fatalf("SaveCursor by %s: %v", holder, err)
	}
}

func release(t *testing.T, s store.Store, holder string) {
	t.Helper()
	if err := s.ReleaseLease(t.Context(), "l", holder); err != nil {
		t.Fatalf("ReleaseLease by %s: %v", holder, err)
	}
}

func leaseFree(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
}

func leaseExclusion(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	acquire(t, s, "b", at(0), "", false)
	acquire(t, s, "b", at(0).Add(-time.Hour), "", false)
	acquire(t, s, "b", at(0).Add(ttl-time.Millisecond), "", false)
	acquire(t, s, "b", at(0).Add(ttl), "", true)
	acquire(t, s, "a", at(0).Add(ttl), "", false)
}

func leaseRenewal(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	acquire(t, s, "a", at(30), "", true)
	acquire(t, s, "b", at(30).Add(ttl-time.Millisecond), "", false)
	acquire(t, s, "b", at(30).Add(ttl), "", true)
}

func leaseRenewalLate(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	acquire(t, s, "a", at(0).Add(2*ttl), "", true)
	acquire(t, s, "b", at(0).Add(3*ttl-time.Millisecond), "", false)
}

func leaseCursor(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	save(t, s, "a", "evt_1")
	acquire(t, s, "a", at(1), "evt_1", true)
	save(t, s, "a", "evt_2")
	acquire(t, s, "b", at(1).Add(ttl), "evt_2", true)
	save(t, s, "b", "")
	acquire(t, s, "b", at(2).Add(ttl), "", true)
}

func leaseCursorHolder(t *testing.T, s store.Store) {
	saveCursor := func(holder string) error {
		return s.SaveCursor(t.Context(), "l", holder, "stolen")
	}
	wantErr(t, "SaveCursor before there is a lease", saveCursor("a"), store.ErrStale)
	acquire(t, s, "a", at(0), "", true)
	save(t, s, "a", "evt_1")
	wantErr(t, "SaveCursor by another", saveCursor("b"), store.ErrStale)
	wantErr(t, "SaveCursor by nobody", saveCursor(""), store.ErrStale)
	acquire(t, s, "b", at(0).Add(ttl), "evt_1", true)
	wantErr(t, "SaveCursor by the holder before", saveCursor("a"), store.ErrStale)
	release(t, s, "b")
	wantErr(t, "SaveCursor after the release", saveCursor("b"), store.ErrStale)
	acquire(t, s, "c", at(0).Add(ttl), "evt_1", true)
}

func leaseRelease(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	save(t, s, "a", "evt_1")
	release(t, s, "a")
	release(t, s, "a")
	acquire(t, s, "b", at(0), "evt_1", true)
	acquire(t, s, "a", at(0), "", false)
}

func leaseReleaseOther(t *testing.T, s store.Store) {
	release(t, s, "a")
	acquire(t, s, "a", at(0), "", true)
	release(t, s, "b")
	acquire(t, s, "b", at(1), "", false)
	save(t, s, "a", "evt_1")
	acquire(t, s, "a", at(1), "evt_1", true)
}

func leaseNames(t *testing.T, s store.Store) {
	acquire(t, s, "a", at(0), "", true)
	save(t, s, "a", "evt_1")
	cursor, ok, err := s.AcquireLease(t.Context(), "other", "b", at(0), ttl)
	if err != nil || !ok || cursor != "" {
		t.Fatalf("AcquireLease of another name: got %q, %v, %v, want an empty cursor and ok", cursor, ok, err)
	}
	if err := s.ReleaseLease(t.Context(), "other", "b"); err != nil {
		t.Fatalf("ReleaseLease: %v", err)
	}
	acquire(t, s, "b", at(1), "", false)
}
