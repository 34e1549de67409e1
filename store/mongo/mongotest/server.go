package mongotest

import (
	"context"
	"log/slog"
	"net/url"
	"sync"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/bson"
)

// Start starts a server of the test's own and returns its URI, with an empty
// database as its path. The server stops when the test has ended.
func Start(t testing.TB) (uri string) {
	t.Helper()
	return New(t).URI
}

// starting guards a variable of FerretDB's: ferretdb.New names the package that
// embeds it in one, unguarded.
var starting sync.Mutex

// Server is a running server that can be cut off from its clients.
type Server struct {
	// URI names the server and an empty database.
	URI string

	gate *gate
}

// New starts a server of the test's own. It stops when the test has ended.
func New(t testing.TB) *Server {
	t.Helper()
	f, err := newFerretDB(t.TempDir())
	if err != nil {
		t.Fatalf("starting FerretDB: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- f.Run(ctx) }()

	backend, err := url.Parse(f.MongoDBURI())
	if err != nil {
		t.Fatalf("URI of FerretDB: %v", err)
	}
	g := newGate(t, backend.Host)
	t.Cleanup(func() {
		// FerretDB waits for its clients, so they go first.
		g.close()
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("stopping FerretDB: %v", err)
		}
	})
	return &Server{URI: "mongodb://" + g.addr + "/test", gate: g}
}

func newFerretDB(dir string) (*ferretdb.FerretDB, error) {
	starting.Lock()
	defer starting.Unlock()
	return ferretdb.New(&ferretdb.Config{
		Listener: ferretdb.ListenerConfig{TCP: "127.0.0.1:0"},
		Logger:   slog.New(slog.DiscardHandler),
		Handler:  "sqlite",
		// A test's database need not survive a power cut.
		SQLiteURL: "file:" + dir + "/?_pragma=synchronous(off)",
	})
}

// Change makes the server answer with what change returns, as a server of another
// kind would. The command has been carried out by then. nil ends it.
func (s *Server) Change(change func(command, answer bson.D) bson.D) {
	if change == nil {
		s.gate.change.Store(nil)
		return
	}
	s.gate.change.Store(&change)
}

// Cut breaks every connection and refuses new ones, as if the server were
// gone. Its data stays.
func (s *Server) Cut() { s.gate.cut() }

// Restore lets clients in again, at the same address.
func (s *Server) Restore(t testing.TB) {
	t.Helper()
	s.gate.open(t)
}
