package mongo

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson/primitive"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/store/storetest"
)

func TestConformsOnFerretDB(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return openURI(t, mongotest.Start(t))
	})
}

func TestConformsOnMongoDB(t *testing.T) {
	t.Parallel()
	uri := realServer(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		return openFresh(t, uri, nil)
	})
}

// realServer returns the URI of a MongoDB server to test on, or skips t.
func realServer(t *testing.T) string {
	t.Helper()
	uri := os.Getenv("TEST_MONGODB_URI")
	if uri == "" {
		t.Skip("TEST_MONGODB_URI is not set: nothing was tried on a real MongoDB server")
	}
	return uri
}

// openURI opens the database of a URI and closes it after the test.
func openURI(t *testing.T, uri string) *Store {
	t.Helper()
	s, err := Open(t.Context(), uri, nil)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// openFresh opens a database of its own on a real server and drops it after
// the test. adjust, if not nil, may change the client's options.
func openFresh(t *testing.T, uri string, adjust func(*options.ClientOptions)) *Store {
	t.Helper()
	opts, _, err := parseURI(uri)
	if err != nil {
		t.Fatalf("TEST_MONGODB_URI: %v", err)
	}
	if adjust != nil {
		adjust(opts)
	}
	database := "nestpayments_test_" + primitive.NewObjectID().Hex()
	s, err := connect(t.Context(), opts, database, nil)
	if err != nil {
		t.Fatalf("opening a database: %v", err)
	}
	t.Cleanup(func() { drop(t, uri, s, database) })
	return s
}

// drop drops a database through a client of its own, as the test may have
// closed s.
func drop(t *testing.T, uri string, s *Store, database string) {
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := driver.Connect(ctx, options.Client().ApplyURI(uri))
	if err != nil {
		t.Errorf("connecting to drop database %s: %v", database, err)
		return
	}
	if err := errors.Join(client.Database(database).Drop(ctx), client.Disconnect(ctx)); err != nil {
		t.Errorf("dropping database %s: %v", database, err)
	}
}
