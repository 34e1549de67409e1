package mongo

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/x/mongo/driver/topology"

	"github.com/nestpayments/nestpayments/store"
)

func TestErrorMeanings(t *testing.T) {
	t.Parallel()
	command := func(code int32) error {
		return driver.CommandError{Code: code, Message: "secret ada@example.com", Name: "Name"}
	}
	writeConcern := driver.WriteException{WriteConcernError: &driver.WriteConcernError{Code: 100, Message: "secret"}}
	refused := driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 121, Message: "secret"}}}
	for _, tt := range []struct {
		name string
		err  error
		want error // nil: none of the store's
	}{
		{"no document", driver.ErrNoDocuments, store.ErrNotFound},
		{"lost race", store.ErrStale, store.ErrStale},
		{"no server", topology.ServerSelectionError{Wrapped: topology.ErrServerSelectionTimeout}, store.ErrUnavailable},
		{"full pool", topology.WaitQueueTimeoutError{Wrapped: context.DeadlineExceeded}, store.ErrUnavailable},
		{"closed pool", topology.ErrPoolClosed, store.ErrUnavailable},
		{"broken connection", topology.ConnectionError{Wrapped: net.ErrClosed}, store.ErrUnavailable},
		{"broken connection, as a command's error",
			driver.CommandError{Labels: []string{"NetworkError"}, Wrapped: topology.ConnectionError{}}, store.ErrUnavailable},
		{"not primary", command(10107), store.ErrUnavailable},
		{"stepped down", command(189), store.ErrUnavailable},
		{"shutting down", command(91), store.ErrUnavailable},
		{"too slow", command(50), store.ErrUnavailable},
		{"not acknowledged by a majority", writeConcern, store.ErrUnavailable},
		{"duplicate that is gone", errVanished, store.ErrUnavailable},
		{"an internal error", command(1), store.ErrUnavailable},
		{"an unknown error", command(8), store.ErrUnavailable},
		{"a failed command", command(125), store.ErrUnavailable},
		{"killed by an operator", command(11601), store.ErrUnavailable},
		{"a full disk", command(14031), store.ErrUnavailable},
		{"too many requests, by Azure", command(16500), store.ErrUnavailable},
		{"an internal error of one write", driver.WriteException{WriteErrors: driver.WriteErrors{{Code: 1, Message: "secret"}}}, store.ErrUnavailable},
		{"an overloaded server", driver.CommandError{Code: 1e6, Labels: []string{"SystemOverloadedError"}}, store.ErrUnavailable},
		{"a value that the server refuses", command(2), nil},
		{"a command that the server does not know", command(59), nil},
		{"a failed authentication", command(18), nil},
		{"an index with other options", command(85), nil},
		{"not authorized", command(13), nil},
		{"refused by validation", refused, nil},
	} {
		err := wrap(t.Context(), "some operation", tt.err)
		for _, known := range []error{store.ErrNotFound, store.ErrStale, store.ErrEmailTaken,
			store.ErrCustomerTaken, store.ErrPaymentExists, store.ErrUnavailable} {
			if got, want := errors.Is(err, known), known == tt.want; got != want {
				t.Errorf("%s: errors.Is(%v, %v): got %v, want %v", tt.name, err, known, got, want)
			}
		}
		if errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: got %v, but the caller's context has not ended", tt.name, err)
		}
		if !strings.Contains(err.Error(), "some operation") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got text %q, want the operation and nothing of the server's text", tt.name, err)
		}
	}
}

func TestEndOfTheCallersContext(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	cause := topology.ServerSelectionError{Wrapped: topology.ErrServerSelectionTimeout}
	for _, tt := range []struct {
		name            string
		ctx             context.Context
		err             error
		want            error
		wantUnavailable bool
	}{
		{"canceled", canceled, cause, context.Canceled, false},
		{"expired", expired, cause, context.DeadlineExceeded, true},
		{"known before it ended", canceled, store.ErrStale, store.ErrStale, false},
	} {
		err := wrap(tt.ctx, "some operation", tt.err)
		if !errors.Is(err, tt.want) || errors.Is(err, store.ErrUnavailable) != tt.wantUnavailable {
			t.Errorf("%s: got %v, want %v, unavailable %v", tt.name, err, tt.want, tt.wantUnavailable)
		}
	}
}
