package mongo

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// counting counts the calls that make indexes and fails those that fails says.
func counting(calls *atomic.Int64, fails func(call int64) bool, code int32) func(command, answer bson.D) bson.D {
	return func(command, answer bson.D) bson.D {
		if command[0].Key != "createIndexes" || !fails(calls.Add(1)) {
			return answer
		}
		return failing("createIndexes", code)(command, answer)
	}
}

func TestANewDatabaseGetsItsIndexesInOneCallPerCollection(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	var calls atomic.Int64
	server.Change(counting(&calls, func(int64) bool { return false }, 0))
	var log bytes.Buffer
	s, err := Open(t.Context(), server.URI, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if got := calls.Load(); got != 3 {
		t.Errorf("got %d calls that make indexes, want 3", got)
	}
	if got := len(indexNames(t, s)); got != 15 {
		t.Errorf("got %d indexes, want 15", got)
	}
	for _, want := range []string{"collection=users", "collection=payments", "collection=attempts", "{userId: 1, _id: -1}"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not say %s:\n%s", want, &log)
		}
	}
	log.Reset()
	again, err := Open(t.Context(), server.URI, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	if log.Len() > 0 {
		t.Errorf("the log of a start with all indexes: got\n%s\nwant nothing", &log)
	}
}

// Replicas that start together on a new database may deadlock, and then the server
// refuses one of them.
func TestOpenTriesToMakeIndexesAgain(t *testing.T) {
	t.Parallel()
	for _, code := range []int32{1, 112, 117, 276} {
		server := mongotest.New(t)
		var calls atomic.Int64
		server.Change(counting(&calls, func(call int64) bool { return call <= 2 }, code))
		var log bytes.Buffer
		s, err := Open(t.Context(), server.URI, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Errorf("code %d: %v", code, err)
			continue
		}
		if got := len(indexNames(t, s)); got != 15 {
			t.Errorf("code %d: got %d indexes, want 15", code, got)
		}
		if !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("code %d: the log has no warning:\n%s", code, &log)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestErrorsOfIndexesNameThem(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		code        int32
		unavailable bool
	}{
		{"one that can pass", 1, true},
		{"one that cannot", 13, false},
	} {
		server := mongotest.New(t)
		// The answers to lists are emptied too: what has been made stays missing.
		server.Change(func(command, answer bson.D) bson.D {
			if command[0].Key == "listIndexes" {
				return failing("listIndexes", 26)(command, answer)
			}
			return failing("createIndexes", tt.code)(command, answer)
		})
		_, err := Open(t.Context(), server.URI, nil)
		if err == nil || strings.Contains(err.Error(), "customerId") || errors.Is(err, store.ErrUnavailable) != tt.unavailable {
			t.Errorf("%s: got error %v, want it unavailable %t", tt.name, err, tt.unavailable)
			continue
		}
		if text := err.Error(); !strings.Contains(text, "{emailKey: 1}") || !strings.Contains(text, "users") || strings.Contains(text, "secret") {
			t.Errorf("%s: got %v, want the index and the collection, and nothing of the server's text", tt.name, err)
		}
	}
}

// Two users with one email are in the way of one index of five.
func TestAnIndexThatTheDataRefusesIsNamed(t *testing.T) {
	t.Parallel()
	server := mongotest.New(t)
	opts, database, err := parseURI(server.URI)
	if err != nil {
		t.Fatal(err)
	}
	client, err := driver.Connect(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	same := bson.D{{Key: "emailKey", Value: "a"}}
	users := client.Database(database).Collection("users")
	if _, err := users.InsertMany(t.Context(), []any{same, same}); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), server.URI, nil)
	if err == nil || !strings.Contains(err.Error(), "make the indexes {emailKey: 1} of users") {
		t.Errorf("got %v, want it to name the index and the collection", err)
	}
}

func TestReplicasThatStartTogetherOnANewDatabase(t *testing.T) {
	t.Parallel()
	uri := mongotest.Start(t)
	stores, errs := make([]*Store, 4), make([]error, 4)
	var opening sync.WaitGroup
	for i := range stores {
		opening.Go(func() { stores[i], errs[i] = Open(t.Context(), uri, nil) })
	}
	opening.Wait()
	for i, s := range stores {
		if errs[i] != nil {
			t.Errorf("replica %d: %v", i, errs[i])
			continue
		}
		t.Cleanup(func() { _ = s.Close() })
		if names := indexNames(t, s); len(slices.Compact(names)) != 15 {
			t.Errorf("replica %d: got the indexes %v, want 15", i, names)
		}
	}
}
