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
	"github.com/nestpayments/nestpayments/store/storetest"
)

// Servers other than MongoDB report some failures with other codes, and some of
// their commands reach less of them. Here FerretDB's answers are changed to theirs.

// duplicatesAsInternalErrors turns every duplicate key into an internal error, as
// FerretDB 2.5 does for upserts.
func duplicatesAsInternalErrors(_, answer bson.D) bson.D {
	for i, e := range answer {
		switch {
		case e.Key == "code" && e.Value == int32(11000):
			answer[i].Value = int32(internalError)
		case e.Key == "writeErrors":
			for _, failure := range e.Value.(bson.A) {
				duplicatesAsInternalErrors(nil, failure.(bson.D))
			}
		}
	}
	return answer
}

func TestConformsOnAServerThatReportsDuplicatesAsInternalErrors(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		server := mongotest.New(t)
		server.Change(duplicatesAsInternalErrors)
		return openPatiently(t, server.URI)
	})
}

// failing makes the commands of this name fail with a code.
func failing(name string, code int32) func(command, answer bson.D) bson.D {
	return func(command, answer bson.D) bson.D {
		if command[0].Key != name {
			return answer
		}
		return bson.D{{Key: "ok", Value: 0.0}, {Key: "code", Value: code}, {Key: "errmsg", Value: "secret"}}
	}
}

// An internal error where no unique key is in the way says nothing of the write.
func TestAnInternalErrorWithoutADuplicateIsUnavailable(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s, ctx, now := openURI(t, server.URI), t.Context(), time.Now()
	u := &store.User{ID: store.NewID(now), EmailKey: "k"}
	p := &store.Payment{ID: store.NewID(now), UserID: u.ID, CUID: "c"}
	_, _, err := s.AcquireLease(ctx, "held", "a", now, time.Minute)
	if err := errors.Join(err, s.InsertUser(ctx, u), s.InsertPayment(ctx, p)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, command string
		call          func() error
	}{
		{"a new count", "findAndModify", func() error { _, err := s.CountAttempt(ctx, store.Attempt{Key: "new"}, 9); return err }},
		{"a count below its limit", "findAndModify", func() error { _, err := s.CountAttempt(ctx, store.Attempt{Key: "new"}, 9); return err }},
		{"a new lease", "findAndModify", func() error { _, _, err := s.AcquireLease(ctx, "new", "a", now, time.Minute); return err }},
		{"the lease of its holder", "findAndModify", func() error { _, _, err := s.AcquireLease(ctx, "held", "a", now, time.Minute); return err }},
		{"a user", "update", func() error { changed := *u; return s.UpdateUser(ctx, &changed) }},
		{"a payment", "update", func() error { changed := *p; return s.UpdatePayment(ctx, &changed) }},
	} {
		for _, code := range []int32{1, 8} {
			server.Change(failing(tt.command, code))
			if err := tt.call(); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("%s, code %d: got error %v, want %v", tt.name, code, err, store.ErrUnavailable)
			}
		}
	}
}

// Some servers and routers answer the command ping without their storage.
func TestPingReadsADocument(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.URI)
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
	server.Change(failing("find", 6))
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping of a server that cannot read: got error %v, want %v", err, store.ErrUnavailable)
	}
}

// A newer program that runs beside this one may have fields that this one does not
// know.
func TestUpdatesKeepFieldsThatThisProgramDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := openURI(t, mongotest.Start(t))
	ctx, now := t.Context(), time.Now()
	u := &store.User{ID: store.NewID(now), EmailKey: "k", CustomerID: "cus_1", SyncAt: now}
	p := &store.Payment{ID: store.NewID(now), UserID: u.ID, CUID: "c", IntentID: "pi_1", CheckAt: now}
	_, _, err := s.AcquireLease(ctx, "lease", "a", now, time.Minute)
	_, countErr := s.CountAttempt(ctx, store.Attempt{Key: "k"}, 9)
	if err := errors.Join(err, countErr, s.InsertUser(ctx, u), s.InsertPayment(ctx, p)); err != nil {
		t.Fatal(err)
	}
	addField := bson.D{{Key: "$set", Value: bson.D{{Key: "later", Value: "kept"}}}}
	collections := []*driver.Collection{s.users, s.payments, s.leases, s.attempts}
	for _, c := range collections {
		if _, err := c.UpdateOne(ctx, bson.D{}, addField); err != nil {
			t.Fatal(err)
		}
	}
	u.CustomerID, p.IntentID = "", ""
	_, _, err = s.AcquireLease(ctx, "lease", "a", now, time.Hour)
	_, countErr = s.CountAttempt(ctx, store.Attempt{Key: "k"}, 9)
	u.SyncAt, p.CheckAt = time.Time{}, time.Time{}
	if err := errors.Join(err, countErr, s.UpdateUser(ctx, u), s.UpdatePayment(ctx, p), s.ReplaceUser(ctx, u, 2), s.ReplacePayment(ctx, p, 2),
		s.SaveCursor(ctx, "lease", "a", "evt_1"), s.ReleaseLease(ctx, "lease", "a")); err != nil {
		t.Fatal(err)
	}
	for _, c := range collections {
		if keys := keysOf(t, c); !slices.Contains(keys, "later") {
			t.Errorf("%s after updates: got the fields %v, want the unknown one too", c.Name(), keys)
		}
	}
}
