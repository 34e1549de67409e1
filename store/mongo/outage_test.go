package mongo

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// patience is far above what anything here takes; it ends a hanging test.
const patience = 30 * time.Second

func TestOutage(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.Option("serverSelectionTimeoutMS=100"))
	u := &store.User{ID: store.NewID(time.Now()), EmailKey: "ada@example.com"}
	if err := s.InsertUser(t.Context(), u); err != nil {
		t.Fatalf("InsertUser: %v", err)
	}

	server.Cut()
	start := time.Now()
	_, readErr := s.User(t.Context(), u.ID)
	changed := *u
	writeErr := s.UpdateUser(t.Context(), &changed)
	for name, err := range map[string]error{"read": readErr, "write": writeErr, "ping": s.Ping(t.Context())} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s without a database: got error %v, want %v", name, err, store.ErrUnavailable)
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s without a database: got %v, but the caller set no deadline", name, err)
		}
	}
	if took := time.Since(start); took > patience {
		t.Errorf("calls without a database took %s", took)
	}

	server.Restore(t)
	for deadline := time.Now().Add(patience); ; {
		got, err := s.User(t.Context(), u.ID)
		if err == nil {
			if *got != *u {
				t.Errorf("user after the outage: got %+v, want %+v", *got, *u)
			}
			break
		}
		if !errors.Is(err, store.ErrUnavailable) || time.Now().After(deadline) {
			t.Fatalf("read after the outage: %v", err)
		}
	}
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Errorf("write after the outage: %v", err)
	}
}

func TestCallerGivesUpDuringAnOutage(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.Option("serverSelectionTimeoutMS=60000"))
	server.Cut()

	expiring, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.UserByEmail(expiring, "ada@example.com")
	for _, want := range []error{store.ErrUnavailable, context.DeadlineExceeded} {
		if !errors.Is(err, want) {
			t.Errorf("expired call: got error %v, want %v", err, want)
		}
	}

	canceled, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err = s.UserByEmail(canceled, "ada@example.com")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled call: got error %v, want %v", err, context.Canceled)
	}
	if errors.Is(err, store.ErrUnavailable) {
		t.Errorf("canceled call: got error %v, which blames the database", err)
	}
}

func TestCallWithoutDeadlineGetsOne(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.Option("serverSelectionTimeoutMS=60000&timeoutMS=200"))
	server.Cut()
	start := time.Now()
	_, err := s.UserByEmail(context.Background(), "ada@example.com")
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, store.ErrUnavailable)
	}
	if took := time.Since(start); took > patience {
		t.Errorf("the call took %s, want about the URI's timeoutMS", took)
	}
}

func TestOpenWithoutServer(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	server.Cut()
	_, err := Open(t.Context(), server.Option("serverSelectionTimeoutMS=100"), nil)
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Open: got error %v, want %v", err, store.ErrUnavailable)
	}
}

func TestCallAfterClose(t *testing.T) {
	t.Parallel()
	s := openURI(t, mongotest.Start(t))
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Ping: got error %v, want %v", err, store.ErrUnavailable)
	}
}
