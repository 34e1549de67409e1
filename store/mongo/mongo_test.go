package mongo

import (
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/store/storetest"
)

func TestConformsOnFerretDB(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store {
		return openPatiently(t, mongotest.NewFerretDB(t).URI)
	})
}

func TestConformsOnMongoDB(t *testing.T) {
	t.Parallel()
	needRealServer(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		return openPatiently(t, mongotest.Start(t))
	})
}

// needRealServer skips t if there is no server but FerretDB to test on.
func needRealServer(t *testing.T) {
	t.Helper()
	if !mongotest.Real() {
		t.Skip("TEST_MONGODB_URI is not set: nothing was tried on a real MongoDB server")
	}
}

// openURI opens the database of a URI and closes it after the test.
func openURI(t *testing.T, uri string) *Store {
	t.Helper()
	return openAdjusted(t, uri, func(*options.ClientOptions) {})
}

// openPatiently is openURI with time for each call on a machine that is slow and busy:
// FerretDB does one command at a time, and many tests run at once.
func openPatiently(t *testing.T, uri string) *Store {
	t.Helper()
	return openAdjusted(t, uri, func(o *options.ClientOptions) { o.SetTimeout(time.Minute) })
}

// openAdjusted is openURI with other options of the client.
func openAdjusted(t *testing.T, uri string, adjust func(*options.ClientOptions)) *Store {
	t.Helper()
	opts, database, err := parseURI(uri)
	if err != nil {
		t.Fatalf("parseURI: %v", err)
	}
	adjust(opts)
	s, err := connect(t.Context(), opts, database, nil)
	if err != nil {
		t.Fatalf("opening a database: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
