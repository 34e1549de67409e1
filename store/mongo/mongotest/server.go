package mongotest

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/FerretDB/FerretDB/ferretdb"
	"go.mongodb.org/mongo-driver/bson"
)

// Start returns the URI of an empty database: on the server that TEST_MONGODB_URI
// names, or on one of the test's own. It is gone when the test has ended.
func Start(t testing.TB) (uri string) {
	t.Helper()
	if Real() {
		return freshDatabase(t, os.Getenv(realServer))
	}
	return NewFerretDB(t).URI
}

// starting guards a variable of FerretDB's: ferretdb.New names the package that
// embeds it in one, unguarded.
var starting sync.Mutex

// Server is a running server that can be cut off from its clients.
type Server struct {
	// URI names the server and an empty database. Add options with Option.
	URI string

	gate *gate
}

// New returns a server like that of Start, which can be cut off.
func New(t testing.TB) *Server {
	t.Helper()
	if Real() {
		return newReal(t, os.Getenv(realServer))
	}
	return NewFerretDB(t)
}

// NewFerretDB starts a server of the test's own, whatever TEST_MONGODB_URI says, for
// tests that need FerretDB's ways. It stops when the test has ended.
func NewFerretDB(t testing.TB) *Server {
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

// Option returns the URI with one more option, NAME=VALUE.
func (s *Server) Option(option string) string {
	base, query, _ := strings.Cut(s.URI, "?")
	return base + "?" + addOption(query, option)
}

// Cut breaks every connection and refuses new ones, as if the server were
// gone. Its data stays.
func (s *Server) Cut() { s.gate.cut() }

// Restore lets clients in again, at the same address.
func (s *Server) Restore(t testing.TB) {
	t.Helper()
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
}

// Open is Restore for a goroutine that is not the test's.
func (s *Server) Open() error { return s.gate.open() }

// Address is where clients connect, HOST:PORT.
func (s *Server) Address() string { return s.gate.addr }
