package mongo

import (
	"errors"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// keysOf returns the keys of the one document in a collection.
func keysOf(t *testing.T, c *driver.Collection) []string {
	t.Helper()
	var doc bson.D
	if err := c.FindOne(t.Context(), bson.D{}).Decode(&doc); err != nil {
		t.Fatalf("reading %s: %v", c.Name(), err)
	}
	keys := make([]string, len(doc))
	for i, e := range doc {
		keys[i] = e.Key
	}
	return keys
}

// TestEmptyFieldsAreAbsent: null or "" would take part in a unique index.
func TestEmptyFieldsAreAbsent(t *testing.T) {
	t.Parallel()
	s := openURI(t, mongotest.Start(t))
	ctx, now := t.Context(), time.Now()
	u := &store.User{ID: store.NewID(now), EmailKey: "k", CustomerID: "cus_1", Admin: true, SyncAt: now}
	p := &store.Payment{ID: store.NewID(now), UserID: u.ID, CUID: "c", IntentID: "pi_1", CheckAt: now}
	_, _, err := s.AcquireLease(ctx, "lease", "a", now, time.Minute)
	if err := errors.Join(err, s.InsertUser(ctx, u), s.InsertPayment(ctx, p)); err != nil {
		t.Fatal(err)
	}
	check := func(when string, want bool) {
		t.Helper()
		for c, fields := range map[*driver.Collection][]string{
			s.users:    {"customerId", "admin", "syncAt"},
			s.payments: {"intentId", "checkAt"},
			s.leases:   {"holder", "expiresAt"},
		} {
			keys := keysOf(t, c)
			for _, field := range fields {
				if got := slices.Contains(keys, field); got != want {
					t.Errorf("%s: %s has %s: got %v, want %v", when, c.Name(), field, got, want)
				}
			}
		}
	}
	check("set", true)
	u.CustomerID, u.Admin, u.SyncAt = "", false, time.Time{}
	p.IntentID, p.CheckAt = "", time.Time{}
	if err := errors.Join(s.UpdateUser(ctx, u), s.UpdatePayment(ctx, p), s.ReleaseLease(ctx, "lease", "a")); err != nil {
		t.Fatal(err)
	}
	check("emptied", false)
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	uri := mongotest.Start(t)
	first := openURI(t, uri)
	before := indexNames(t, first)
	second := openURI(t, uri)
	if after := indexNames(t, second); !slices.Equal(before, after) {
		t.Errorf("indexes after the second Open: got %v, want %v", after, before)
	}
	// 5, 4 and 3, and the three of _id.
	if len(before) != 15 {
		t.Errorf("indexes: got %v, want 15", before)
	}
}

func indexNames(t *testing.T, s *Store) (names []string) {
	t.Helper()
	for _, c := range []*driver.Collection{s.users, s.payments, s.attempts} {
		specs, err := c.Indexes().ListSpecifications(t.Context())
		if err != nil {
			t.Fatalf("listing indexes: %v", err)
		}
		for _, spec := range specs {
			names = append(names, c.Name()+"."+spec.Name)
		}
	}
	slices.Sort(names)
	return names
}

func TestMalformedIDs(t *testing.T) {
	t.Parallel()
	s := openURI(t, mongotest.Start(t))
	ctx := t.Context()
	u := &store.User{ID: "6F0000000000000000000000", EmailKey: "k"}
	if err := s.InsertUser(ctx, u); err == nil {
		t.Error("InsertUser with an upper-case id: got no error")
	}
	if _, err := s.User(ctx, "register"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("User: got error %v, want %v", err, store.ErrNotFound)
	}
	if err := s.DeleteUser(ctx, u); err == nil {
		t.Error("DeleteUser with an upper-case id: got no error")
	}
	if _, err := s.ListUsers(ctx, store.UserQuery{After: "x", Limit: 1}); err == nil {
		t.Error("ListUsers behind a malformed id: got no error")
	}
}

// TestRefusedByNamedIndex: MongoDB's answers, which FerretDB does not give.
func TestRefusedByNamedIndex(t *testing.T) {
	t.Parallel()
	refusal := func(pattern bson.D) error {
		raw, err := bson.Marshal(bson.D{{Key: "code", Value: 11000}, {Key: "keyPattern", Value: pattern}})
		if err != nil {
			t.Fatal(err)
		}
		return driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 11000, Raw: raw}}}
	}
	u := &store.User{EmailKey: "k", CustomerID: "cus_1"}
	p := &store.Payment{UserID: "u", CUID: "c", IntentID: "pi_1"}
	for _, tt := range []struct {
		name    string
		pattern bson.D
		keys    []uniqueKey
		want    error
	}{
		{"email", bson.D{{Key: "emailKey", Value: 1}}, userKeys(u), store.ErrEmailTaken},
		{"customer", bson.D{{Key: "customerId", Value: 1}}, userKeys(u), store.ErrCustomerTaken},
		{"cuid", bson.D{{Key: "userId", Value: 1}, {Key: "cuid", Value: 1}}, paymentKeys(p), store.ErrPaymentExists},
		{"intent", bson.D{{Key: "intentId", Value: 1}}, paymentKeys(p), store.ErrPaymentExists},
	} {
		// A store that asked the database would panic: it has none.
		err := new(Store).duplicate(t.Context(), refusal(tt.pattern), nil, tt.keys, nil)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got error %v, want %v", tt.name, err, tt.want)
		}
	}
}
