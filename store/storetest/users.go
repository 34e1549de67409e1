package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

var userTests = []test{
	{"every field comes back", userRoundTrip},
	{"zero values come back as zero values", userZeroValues},
	{"the Unix epoch is not a zero time", userUnixEpoch},
	{"times are cut to milliseconds", userMilliseconds},
	{"text comes back as it was", userText},
	{"an insert sets version 1", userInsertVersion},
	{"an update replaces every field and counts the version", userUpdate},
	{"an update can empty every field", userUpdateToZero},
	{"a lookup of nobody is ErrNotFound", userNotFound},
	{"lookups are exact", userLookupExact},
	{"an email key is unique, an email is not", userEmailUnique},
	{"a customer is unique among users who have one", userCustomerUnique},
	{"a repeated insert is ErrEmailTaken", userInsertTwice},
	{"an update of an old version is ErrStale and changes nothing", userUpdateStale},
	{"an update of a deleted user is ErrStale", userUpdateDeleted},
	{"a delete frees the keys and leaves the payments", userDelete},
	{"a delete of a stale version changes nothing", userDeleteStale},
}

// fullUser returns a user with a value in every field.
func fullUser(n int) *store.User {
	u := newUser(n)
	u.CustomerID = "cus_full"
	u.CustomerAttempt = 1 << 40
	u.CreatedBy = store.NewID(at(n + 1))
	u.RootCreator = store.NewID(at(n + 4))
	u.PasswordSetBy = u.CreatedBy
	u.Session = 1 << 40
	u.SyncFailures = 3
	u.Admin = true
	u.SyncAt = at(n + 2)
	u.UpdatedAt = at(n + 3)
	return u
}

func userRoundTrip(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	insertUser(t, s, newUser(2))
	wantUser(t, s, *u)

	byEmail, err := s.UserByEmail(t.Context(), u.EmailKey)
	if err != nil || *byEmail != *u {
		t.Errorf("UserByEmail: got %+v, %v, want %+v", byEmail, err, *u)
	}
	byCustomer, err := s.UserByCustomer(t.Context(), u.CustomerID)
	if err != nil || *byCustomer != *u {
		t.Errorf("UserByCustomer: got %+v, %v, want %+v", byCustomer, err, *u)
	}
}

func userZeroValues(t *testing.T, s store.Store) {
	u := insertUser(t, s, &store.User{ID: store.NewID(at(1)), EmailKey: "a@example.com"})
	wantUser(t, s, *u)
}

func userUnixEpoch(t *testing.T, s store.Store) {
	u := newUser(1)
	epoch := time.Unix(0, 0).UTC()
	u.SyncAt, u.CreatedAt, u.UpdatedAt = epoch, epoch, epoch
	insertUser(t, s, u)
	wantUser(t, s, *u)
	due, err := s.UsersToSync(t.Context(), at(0), 10)
	if err != nil || len(due) != 1 {
		t.Errorf("UsersToSync: got %d users, %v, want the one that is due since 1970", len(due), err)
	}
}

func userMilliseconds(t *testing.T, s store.Store) {
	u := newUser(1)
	fine := at(1).Add(999_999 * time.Nanosecond)
	u.SyncAt, u.CreatedAt, u.UpdatedAt = fine, fine, fine
	insertUser(t, s, u)
	want := *u
	want.SyncAt, want.CreatedAt, want.UpdatedAt = at(1), at(1), at(1)
	wantUser(t, s, want)
}

func userText(t *testing.T, s store.Store) {
	for i, name := range []string{
		"Zoë Ω 李 👩‍👩‍👧 e\u0301",
		`'; DROP TABLE users; -- "\`,
		"$set", "a.b", "null", "0", "007", "1e3", " padded ", "line\nline\ttab", "nul\x00nul",
		strings.Repeat("long ", 2000),
	} {
		u := newUser(i)
		u.Name, u.Email, u.CustomerID = name, name, name
		insertUser(t, s, u)
		wantUser(t, s, *u)
	}
}

func userInsertVersion(t *testing.T, s store.Store) {
	u := newUser(1)
	u.Version = 7
	insertUser(t, s, u)
	if u.Version != 1 {
		t.Errorf("caller's version: got %d, want 1", u.Version)
	}
	wantUser(t, s, *u)
}

func userUpdate(t *testing.T, s store.Store) {
	other := insertUser(t, s, newUser(2))
	u := insertUser(t, s, newUser(1))
	id := u.ID
	for version := int64(2); version <= 4; version++ {
		*u = *fullUser(10 + int(version))
		u.ID, u.Version = id, version-1
		if err := s.UpdateUser(t.Context(), u); err != nil {
			t.Fatalf("UpdateUser: %v", err)
		}
		if u.Version != version {
			t.Errorf("caller's version: got %d, want %d", u.Version, version)
		}
		wantUser(t, s, *u)
	}
	_, err := s.UserByEmail(t.Context(), newUser(1).EmailKey)
	wantErr(t, "UserByEmail of the old key", err, store.ErrNotFound)
	wantUser(t, s, *other)
}

func userUpdateToZero(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	*u = store.User{ID: u.ID, Version: u.Version}
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	wantUser(t, s, *u)
	_, err := s.UserByCustomer(t.Context(), fullUser(1).CustomerID)
	wantErr(t, "UserByCustomer of the old customer", err, store.ErrNotFound)
}

func userNotFound(t *testing.T, s store.Store) {
	insertUser(t, s, newUser(1))
	_, err := s.User(t.Context(), store.NewID(at(2)))
	wantErr(t, "User", err, store.ErrNotFound)
	_, err = s.UserByEmail(t.Context(), "nobody@example.com")
	wantErr(t, "UserByEmail", err, store.ErrNotFound)
	_, err = s.UserByCustomer(t.Context(), "cus_nobody")
	wantErr(t, "UserByCustomer", err, store.ErrNotFound)
	wantErr(t, "DeleteUser", s.DeleteUser(t.Context(), newUser(2)), store.ErrStale)
	wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), newUser(2)), store.ErrStale)
}

func userLookupExact(t *testing.T, s store.Store) {
	u := newUser(1)
	u.EmailKey, u.CustomerID = "ada@example.com", "cus_A"
	insertUser(t, s, u)
	for _, key := range []string{"Ada@example.com", "ada@example.com ", "ada@example", "%", "", ".*"} {
		_, err := s.UserByEmail(t.Context(), key)
		wantErr(t, "UserByEmail of "+key, err, store.ErrNotFound)
	}
	_, err := s.UserByCustomer(t.Context(), "cus_a")
	wantErr(t, "UserByCustomer", err, store.ErrNotFound)
	_, err = s.User(t.Context(), strings.ToUpper(u.ID)+"0")
	wantErr(t, "User", err, store.ErrNotFound)
}

func userEmailUnique(t *testing.T, s store.Store) {
	first := insertUser(t, s, newUser(1))
	second := newUser(2)
	second.Email = first.Email
	insertUser(t, s, second)

	third := newUser(3)
	third.EmailKey = first.EmailKey
	before := *third
	wantErr(t, "InsertUser", s.InsertUser(t.Context(), third), store.ErrEmailTaken)
	if *third != before {
		t.Errorf("caller's user after a failed insert: got %+v, want %+v", *third, before)
	}
	_, err := s.User(t.Context(), third.ID)
	wantErr(t, "User that was not inserted", err, store.ErrNotFound)

	changed := *second
	changed.EmailKey, changed.Name = first.EmailKey, "changed"
	before = changed
	wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), &changed), store.ErrEmailTaken)
	if changed != before {
		t.Errorf("caller's user after a failed update: got %+v, want %+v", changed, before)
	}
	wantUser(t, s, *first)
	wantUser(t, s, *second)
}

func userCustomerUnique(t *testing.T, s store.Store) {
	insertUser(t, s, newUser(1))
	second := insertUser(t, s, newUser(2))
	owner := newUser(3)
	owner.CustomerID = "cus_1"
	insertUser(t, s, owner)

	fourth := newUser(4)
	fourth.CustomerID = "cus_1"
	before := *fourth
	wantErr(t, "InsertUser", s.InsertUser(t.Context(), fourth), store.ErrCustomerTaken)
	if *fourth != before {
		t.Errorf("caller's user after a failed insert: got %+v, want %+v", *fourth, before)
	}
	_, err := s.UserByEmail(t.Context(), fourth.EmailKey)
	wantErr(t, "UserByEmail of the user that was not inserted", err, store.ErrNotFound)

	changed := *second
	changed.CustomerID = "cus_1"
	before = changed
	wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), &changed), store.ErrCustomerTaken)
	if changed != before {
		t.Errorf("caller's user after a failed update: got %+v, want %+v", changed, before)
	}
	wantUser(t, s, *second)
	wantUser(t, s, *owner)
}

// A caller that was told ErrUnavailable inserts again what may be there.
func userInsertTwice(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	again := *u
	again.Name = "again"
	wantErr(t, "second InsertUser", s.InsertUser(t.Context(), &again), store.ErrEmailTaken)
	wantUser(t, s, *u)
}

func userUpdateStale(t *testing.T, s store.Store) {
	u := insertUser(t, s, newUser(1))
	stale := *u
	u.Name = "first"
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	for _, version := range []int64{stale.Version, 0, u.Version + 1} {
		stale.Name, stale.Version = "second", version
		before := stale
		wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), &stale), store.ErrStale)
		if stale != before {
			t.Errorf("caller's user after a lost race: got %+v, want %+v", stale, before)
		}
		wantUser(t, s, *u)
	}
}

func userUpdateDeleted(t *testing.T, s store.Store) {
	u := insertUser(t, s, newUser(1))
	if err := s.DeleteUser(t.Context(), u); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	before := *u
	wantErr(t, "UpdateUser", s.UpdateUser(t.Context(), u), store.ErrStale)
	if *u != before {
		t.Errorf("caller's user: got %+v, want %+v", *u, before)
	}
	_, err := s.User(t.Context(), u.ID)
	wantErr(t, "User after the update", err, store.ErrNotFound)
}

// A user who has changed since they were read stays: what changed may forbid the
// deletion.
func userDeleteStale(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	stale := *u
	u.Admin = true
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	for _, version := range []int64{stale.Version, 0, u.Version + 1} {
		stale.Version = version
		wantErr(t, "DeleteUser", s.DeleteUser(t.Context(), &stale), store.ErrStale)
		wantUser(t, s, *u)
	}
}

func userDelete(t *testing.T, s store.Store) {
	u := insertUser(t, s, fullUser(1))
	other := insertUser(t, s, newUser(2))
	p := insertPayment(t, s, newPayment(u.ID, 1))
	if err := s.DeleteUser(t.Context(), u); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	_, err := s.User(t.Context(), u.ID)
	wantErr(t, "User", err, store.ErrNotFound)
	_, err = s.UserByEmail(t.Context(), u.EmailKey)
	wantErr(t, "UserByEmail", err, store.ErrNotFound)
	_, err = s.UserByCustomer(t.Context(), u.CustomerID)
	wantErr(t, "UserByCustomer", err, store.ErrNotFound)
	wantErr(t, "second DeleteUser", s.DeleteUser(t.Context(), u), store.ErrStale)
	wantUser(t, s, *other)
	wantPayment(t, s, *p)

	successor := fullUser(1)
	successor.ID = store.NewID(at(3))
	insertUser(t, s, successor)
	wantUser(t, s, *successor)
}
