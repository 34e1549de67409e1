package mongotest

import (
	"context"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson/primitive"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"
)

// realServer names the variable with the URI of a server that tests use in the place
// of FerretDB. Each test has a database of its own there.
const realServer = "TEST_MONGODB_URI"

// Real reports whether tests use the server of TEST_MONGODB_URI.
func Real() bool { return os.Getenv(realServer) != "" }

// freshDatabase returns the URI of an empty database on the server at uri. The
// database is dropped when the test has ended.
func freshDatabase(t testing.TB, uri string) string {
	t.Helper()
	name := "nestpayments_test_" + primitive.NewObjectID().Hex()
	fresh, err := withDatabase(uri, name)
	if err != nil {
		t.Fatalf("%s: %v", realServer, err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		client, err := mongo.Connect(ctx, options.Client().ApplyURI(uri))
		if err != nil {
			t.Errorf("connecting to drop database %s: %v", name, err)
			return
		}
		if err := errors.Join(client.Database(name).Drop(ctx), client.Disconnect(ctx)); err != nil {
			t.Errorf("dropping database %s: %v", name, err)
		}
	})
	return fresh
}

// errURI withholds what is wrong with a URI: it may hold a password.
var errURI = errors.New("want mongodb://[user:password@]host[:port][/database][?options]")

// withDatabase returns the URI with another database as its path. The user is still
// looked up in the database where the URI has it.
func withDatabase(uri, name string) (string, error) {
	cs, err := connstring.Parse(uri)
	if err != nil {
		return "", errURI
	}
	base, query, _ := strings.Cut(uri, "?")
	scheme, rest, _ := strings.Cut(base, "://")
	hosts, _, _ := strings.Cut(rest, "/")
	if cs.HasAuthParameters() && !strings.Contains(strings.ToLower(query), "authsource=") {
		query = addOption(query, "authSource="+url.QueryEscape(cs.AuthSource))
	}
	return strings.TrimSuffix(scheme+"://"+hosts+"/"+name+"?"+query, "?"), nil
}

func addOption(query, option string) string {
	return strings.Join(slices.DeleteFunc([]string{query, option}, func(s string) bool { return s == "" }), "&")
}

// newReal returns a Server for an empty database on the server at uri, which must
// have one host: what Cut breaks is the way to it.
func newReal(t testing.TB, uri string) *Server {
	t.Helper()
	fresh := freshDatabase(t, uri)
	cs, err := connstring.Parse(fresh)
	if err != nil || len(cs.Hosts) != 1 || strings.HasPrefix(fresh, connstring.SchemeMongoDBSRV) {
		t.Skipf("%s does not name one host: this test cuts a server off from its clients", realServer)
	}
	backend := cs.Hosts[0]
	if !strings.Contains(backend, ":") {
		backend += ":27017"
	}
	g := newGate(t, backend)
	t.Cleanup(g.close)
	base, query, _ := strings.Cut(strings.Replace(fresh, cs.Hosts[0], g.addr, 1), "?")
	// A replica set would name its members, past the gate, and the gate takes no
	// command that is answered several times.
	query = addOption(query, "directConnection=true&serverMonitoringMode=poll")
	return &Server{URI: base + "?" + query, gate: g}
}
