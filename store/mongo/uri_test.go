package mongo

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
)

func TestURIDefaults(t *testing.T) {
	t.Parallel()
	opts, database, err := parseURI("mongodb://localhost")
	if err != nil {
		t.Fatalf("parseURI: %v", err)
	}
	for _, tt := range []struct {
		name      string
		got, want any
	}{
		{"database", database, "nestpayments"},
		{"write concern", opts.WriteConcern.W, "majority"},
		{"journal", *opts.WriteConcern.Journal, true},
		{"read concern", opts.ReadConcern.Level, "local"},
		{"read preference", opts.ReadPreference.Mode(), readpref.PrimaryMode},
		{"retry writes", *opts.RetryWrites, true},
		{"server selection", *opts.ServerSelectionTimeout, 3 * time.Second},
		{"connecting", *opts.ConnectTimeout, 3 * time.Second},
		{"pool", *opts.MaxPoolSize, uint64(50)},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, tt.got, tt.want)
		}
	}
}

func TestURIWins(t *testing.T) {
	t.Parallel()
	journal, noJournal := true, false
	for _, tt := range []struct {
		uri  string
		got  func(*options.ClientOptions) any
		want any
	}{
		{"?w=1&journal=false", func(o *options.ClientOptions) any { return o.WriteConcern.W }, 1},
		{"?w=1&journal=false", func(o *options.ClientOptions) any { return o.WriteConcern.Journal }, &noJournal},
		{"?journal=false", func(o *options.ClientOptions) any { return o.WriteConcern.W }, "majority"},
		{"?wtimeoutMS=1000", func(o *options.ClientOptions) any { return o.WriteConcern.W }, "majority"},
		{"?wtimeoutMS=1000", func(o *options.ClientOptions) any { return o.WriteConcern.Journal }, &journal},
		{"?readConcernLevel=majority", func(o *options.ClientOptions) any { return o.ReadConcern.Level }, "majority"},
		{"?readPreference=secondary", func(o *options.ClientOptions) any { return o.ReadPreference.Mode() }, readpref.SecondaryMode},
		{"?retryWrites=false", func(o *options.ClientOptions) any { return *o.RetryWrites }, false},
		{"?serverSelectionTimeoutMS=7", func(o *options.ClientOptions) any { return *o.ServerSelectionTimeout }, 7 * time.Millisecond},
		{"?connectTimeoutMS=8", func(o *options.ClientOptions) any { return *o.ConnectTimeout }, 8 * time.Millisecond},
		{"?maxPoolSize=9", func(o *options.ClientOptions) any { return *o.MaxPoolSize }, uint64(9)},
	} {
		opts, database, err := parseURI("mongodb://localhost/shop" + tt.uri)
		if err != nil {
			t.Errorf("%s: %v", tt.uri, err)
			continue
		}
		if got := tt.got(opts); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.uri, got, tt.want)
		}
		if database != "shop" {
			t.Errorf("%s: got database %q, want %q", tt.uri, database, "shop")
		}
	}
}

func TestURIRefused(t *testing.T) {
	t.Parallel()
	for name, uri := range map[string]string{
		"no scheme":               "ada:s3cret@localhost/test",
		"unescaped slash":         "mongodb://ada:s3cret/x@localhost/test",
		"broken percent-encoding": "mongodb://ada:s3cret%zz@localhost/test",
		"no host":                 "mongodb://ada:s3cret@/test",
		"unknown mechanism":       "mongodb://ada:s3cret@localhost/?authMechanism=s3cret",
		"unacknowledged writes":   "mongodb://ada:s3cret@localhost/test?w=0",
	} {
		s, err := Open(t.Context(), uri, nil)
		if err == nil {
			t.Errorf("%s: got no error", name)
			s.Close()
			continue
		}
		if text := err.Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "ada") {
			t.Errorf("%s: got an error that quotes the URI: %v", name, err)
		}
	}
}
