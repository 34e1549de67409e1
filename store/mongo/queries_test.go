package mongo

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/event"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
)

// query is one command that a method of the store sent.
type query struct {
	method       string
	name         string // of the command: find, update, ...
	collection   string
	filter, sort bson.D
	hint         bson.D
	command      bson.D
}

// recordQueries calls every method of store.Movable on a fresh store, in every
// shape, and returns that store and what it sent beside inserts.
func recordQueries(t *testing.T, open func(func(*options.ClientOptions)) *Store) (*Store, []query) {
	t.Helper()
	var (
		mu      sync.Mutex
		queries []query
		method  string
	)
	s := open(func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
			mu.Lock()
			defer mu.Unlock()
			if method != "" {
				queries = append(queries, parseQueries(t, method, e)...)
			}
		}})
	})
	calls := everyCall(t, s)
	for m := range reflect.TypeFor[store.Movable]().Methods() {
		if m.Name == "Close" || m.Name == "Ping" {
			continue
		}
		call, ok := calls[m.Name]
		if !ok {
			t.Errorf("%s: not called by this test, so its queries are not looked at", m.Name)
			continue
		}
		mu.Lock()
		method = m.Name
		mu.Unlock()
		if err := call(); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	method = ""
	return s, queries
}

// everyCall calls each method of store.Movable with every shape of arguments and
// every outcome that makes it ask the database something else.
func everyCall(t *testing.T, s *Store) map[string]func() error {
	ctx, now := t.Context(), time.Now()
	ids := []string{store.NewID(now), store.NewID(now), store.NewID(now)}
	user := func(n int) *store.User {
		return &store.User{ID: ids[n], EmailKey: ids[n], CustomerID: "cus_" + ids[n], Admin: true, SyncAt: now, CreatedBy: ids[1]}
	}
	payment := func(n int) *store.Payment {
		return &store.Payment{ID: ids[n], UserID: ids[0], CUID: ids[n], IntentID: "pi_" + ids[n], CheckAt: now}
	}
	for n := range 2 {
		if err := errors.Join(s.InsertUser(ctx, user(n)), s.InsertPayment(ctx, payment(n))); err != nil {
			t.Fatal(err)
		}
	}
	want := func(err, want error) error {
		if errors.Is(err, want) {
			return nil
		}
		return errors.Join(err, errors.New("want "+want.Error()))
	}
	stored := func(u *store.User) *store.User { u.Version = 1; return u }
	sameCustomer := func(u *store.User) *store.User { u.CustomerID = "cus_" + ids[0]; return u }
	sameIntent := func(p *store.Payment) *store.Payment { p.Version, p.IntentID = 1, "pi_"+ids[0]; return p }

	acquire := func() error {
		_, ok, err := s.AcquireLease(ctx, "lease", "a", now, time.Minute)
		if !ok {
			err = errors.Join(err, errors.New("lease not acquired"))
		}
		return err
	}

	return map[string]func() error{
		"InsertUser": func() error {
			return errors.Join(want(s.InsertUser(ctx, user(0)), store.ErrEmailTaken),
				want(s.InsertUser(ctx, sameCustomer(user(2))), store.ErrCustomerTaken))
		},
		"User":           func() error { _, err := s.User(ctx, ids[0]); return err },
		"UserByEmail":    func() error { _, err := s.UserByEmail(ctx, ids[0]); return err },
		"UserByCustomer": func() error { _, err := s.UserByCustomer(ctx, "cus_"+ids[0]); return err },
		"UpdateUser": func() error {
			return errors.Join(s.UpdateUser(ctx, stored(user(0))),
				want(s.UpdateUser(ctx, stored(sameCustomer(user(1)))), store.ErrCustomerTaken))
		},
		"DeleteUser": func() error { return want(s.DeleteUser(ctx, user(2)), store.ErrStale) },
		"ListUsers": func() error {
			var errs []error
			for _, q := range []store.UserQuery{
				{}, {After: ids[0]}, {VisibleTo: ids[1]}, {VisibleTo: ids[1], After: ids[0]}, {VisibleTo: ids[1], After: ids[2]},
			} {
				q.Limit = 10
				_, err := s.ListUsers(ctx, q)
				errs = append(errs, err)
			}
			return errors.Join(errs...)
		},
		"ListAdmins":  func() error { _, err := s.ListAdmins(ctx); return err },
		"UsersToSync": func() error { _, err := s.UsersToSync(ctx, now, 10); return err },

		"InsertPayment":   func() error { return want(s.InsertPayment(ctx, payment(0)), store.ErrPaymentExists) },
		"PaymentByCUID":   func() error { _, err := s.PaymentByCUID(ctx, ids[0], ids[0]); return err },
		"PaymentByIntent": func() error { _, err := s.PaymentByIntent(ctx, "pi_"+ids[0]); return err },
		"UpdatePayment": func() error {
			return want(s.UpdatePayment(ctx, sameIntent(payment(1))), store.ErrPaymentExists)
		},
		"ListPayments": func() error {
			_, err := s.ListPayments(ctx, store.PaymentQuery{UserID: ids[0], Limit: 10})
			_, behind := s.ListPayments(ctx, store.PaymentQuery{UserID: ids[0], Before: ids[1], Limit: 10})
			return errors.Join(err, behind)
		},
		"PaymentsToCheck": func() error { _, err := s.PaymentsToCheck(ctx, now, 10); return err },

		"Size": func() error { _, err := s.Size(ctx); return err },
		"AllUsers": func() error {
			for _, err := range s.AllUsers(ctx, 10) {
				return err
			}
			return errors.New("no users")
		},
		"AllPayments": func() error {
			for _, err := range s.AllPayments(ctx, 10) {
				return err
			}
			return errors.New("no payments")
		},
		"MoveUsers": func() error { return want(s.MoveUsers(ctx, []*store.User{user(0), user(1)}), store.ErrEmailTaken) },
		"MovePayments": func() error {
			return want(s.MovePayments(ctx, []*store.Payment{payment(0), payment(1)}), store.ErrPaymentExists)
		},
		"ReplaceUser":    func() error { return want(s.ReplaceUser(ctx, user(0), 99), store.ErrStale) },
		"ReplacePayment": func() error { return want(s.ReplacePayment(ctx, payment(0), 99), store.ErrStale) },

		"AcquireLease": acquire,
		"SaveCursor":   func() error { return errors.Join(acquire(), s.SaveCursor(ctx, "lease", "a", "evt_1")) },
		"ReleaseLease": func() error { return s.ReleaseLease(ctx, "lease", "a") },

		"CountAttempt": func() error {
			_, err := s.CountAttempt(ctx, store.Attempt{Key: "k", Account: "a", Site: "s", Address: "d", Expires: now}, 1)
			_, again := s.CountAttempt(ctx, store.Attempt{Key: "k"}, 1)
			return errors.Join(err, again)
		},
		"UncountAttempt": func() error { return s.UncountAttempt(ctx, "k") },
		"Attempts":       func() error { _, err := s.Attempts(ctx, "k"); return err },
		"AttemptKeys": func() error {
			_, address := s.AttemptKeys(ctx, store.AttemptQuery{Address: "d", Limit: 1})
			_, account := s.AttemptKeys(ctx, store.AttemptQuery{Account: "a", Limit: 1})
			_, site := s.AttemptKeys(ctx, store.AttemptQuery{Account: "a", Site: "s", Limit: 1})
			return errors.Join(address, account, site)
		},
		"ForgetAttempts": func() error { return s.ForgetAttempts(ctx, "k") },
		"PruneAttempts": func() error {
			_, err := s.CountAttempt(ctx, store.Attempt{Key: "old", Expires: now}, 1)
			_, prune := s.PruneAttempts(ctx, now, 10)
			return errors.Join(err, prune)
		},
	}
}

// parseQueries returns the queries of a command, in the form that explain
// takes. A command that the store is not meant to use fails the test.
func parseQueries(t *testing.T, method string, e *event.CommandStartedEvent) []query {
	var c struct {
		Filter  bson.D `bson:"filter"`
		Query   bson.D `bson:"query"`
		Sort    bson.D `bson:"sort"`
		Hint    bson.D `bson:"hint"`
		Updates []struct {
			Q     bson.D `bson:"q"`
			U     bson.D `bson:"u"`
			Multi bool   `bson:"multi"`
		} `bson:"updates"`
		Deletes []struct {
			Q     bson.D `bson:"q"`
			Limit int    `bson:"limit"`
		} `bson:"deletes"`
	}
	var command bson.D
	if err := errors.Join(bson.Unmarshal(e.Command, &c), bson.Unmarshal(e.Command, &command)); err != nil {
		t.Errorf("%s: reading %s: %v", method, e.CommandName, err)
		return nil
	}
	q := query{method: method, name: e.CommandName, sort: c.Sort, hint: c.Hint, filter: c.Filter}
	switch e.CommandName {
	case "insert", "getMore", "killCursors":
		return nil
	case "count":
		if len(c.Query) != 0 {
			t.Errorf("%s: a count of more than what the server has counted already", method)
		}
		return nil
	case "find":
	case "findAndModify":
		q.filter = c.Query
	case "update":
		q.filter = c.Updates[0].Q
		if len(c.Updates) != 1 || c.Updates[0].Multi {
			t.Errorf("%s: an update of more than one document", method)
		}
		if !strings.HasPrefix(c.Updates[0].U[0].Key, "$") {
			t.Errorf("%s: an update that replaces the whole document, and erases fields of newer programs", method)
		}
	case "delete":
		q.filter = c.Deletes[0].Q
		if len(c.Deletes) != 1 || c.Deletes[0].Limit != 1 && q.filter[0].Key != "_id" {
			t.Errorf("%s: a deletion of documents that it does not name", method)
		}
	default:
		t.Errorf("%s: unexpected command %s", method, e.CommandName)
		return nil
	}
	q.collection = e.Command.Lookup(e.CommandName).StringValue()
	for _, field := range command {
		// What belongs to the session and not to the query.
		if !strings.HasPrefix(field.Key, "$") && !slices.Contains([]string{
			"lsid", "txnNumber", "writeConcern", "readConcern", "maxTimeMS"}, field.Key) {
			q.command = append(q.command, field)
		}
	}
	return []query{q}
}
