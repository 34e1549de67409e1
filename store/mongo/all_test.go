package mongo

import (
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// manyPayments adds payments and returns their ids.
func manyPayments(t *testing.T, s *Store, n int) (ids []string) {
	t.Helper()
	var payments []*store.Payment
	for i := range n {
		id := store.NewID(time.Unix(int64(i), 0))
		ids = append(ids, id)
		payments = append(payments, &store.Payment{ID: id, UserID: "u", CUID: id, Version: 1})
	}
	if err := s.MovePayments(t.Context(), payments); err != nil {
		t.Fatal(err)
	}
	return ids
}

func idsOfAll(t *testing.T, s *Store, limit int) (ids []string, err error) {
	t.Helper()
	for batch, err := range s.AllPayments(t.Context(), limit) {
		if err != nil {
			return ids, err
		}
		for _, p := range batch {
			ids = append(ids, p.ID)
		}
	}
	return ids, nil
}

// A query for every page would be a pass over the collection for every page, on a
// server that does not find its place by _id.
func TestAllDocumentsAreReadFromOneCursor(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.URI)
	want := manyPayments(t, s, 50)
	var finds atomic.Int64
	server.Change(func(command, answer bson.D) bson.D {
		if command[0].Key == "find" {
			finds.Add(1)
		}
		return answer
	})
	got, err := idsOfAll(t, s, 7)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if n := finds.Load(); n != 1 {
		t.Errorf("got %d queries, want 1", n)
	}
}

func TestALostCursorIsReplaced(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	s := openURI(t, server.URI)
	want := manyPayments(t, s, 50)
	var reads atomic.Int64
	server.Change(func(command, answer bson.D) bson.D {
		if command[0].Key == "getMore" && reads.Add(1)%2 == 0 {
			return failing("getMore", 43)(command, answer)
		}
		return answer
	})
	if got, err := idsOfAll(t, s, 7); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want each once: %v", got, err, want)
	}
	server.Change(failing("find", 6))
	if got, err := idsOfAll(t, s, 7); !errors.Is(err, store.ErrUnavailable) || len(got) != 0 {
		t.Errorf("from a server that cannot read: got %v, %v, want %v", got, err, store.ErrUnavailable)
	}
}
