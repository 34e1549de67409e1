package mongo

import (
	"errors"
	"fmt"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readconcern"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"

	"github.com/nestpayments/nestpayments/store"
)

const (
	defaultDatabase = "nestpayments"
	// defaultTimeout bounds a call whose context has no deadline. It leaves
	// time for one retry after a failover has been noticed.
	defaultTimeout = 5 * time.Second
	// selectionTimeout is how long a call waits for a primary to appear.
	selectionTimeout = 3 * time.Second
	connectTimeout   = 3 * time.Second
	// maxPoolSize bounds the connections to each server; calls beyond it
	// wait. A server has a file descriptor and a thread for each.
	maxPoolSize = 50
	maxIdleTime = 10 * time.Minute
)

// parseURI returns the client's options and the database's name. Its errors
// hold nothing of the URI.
func parseURI(uri string) (*options.ClientOptions, string, error) {
	cs, err := connstring.ParseAndValidate(uri)
	if err != nil {
		return nil, "", uriError(err)
	}
	opts := options.Client().
		SetAppName("nestpayments").
		SetWriteConcern(majority()).
		SetReadConcern(readconcern.Local()).
		SetReadPreference(readpref.Primary()).
		SetRetryWrites(true).
		SetServerSelectionTimeout(selectionTimeout).
		SetConnectTimeout(connectTimeout).
		SetMaxPoolSize(maxPoolSize).
		SetMaxConnIdleTime(maxIdleTime).
		ApplyURI(uri)
	if err := opts.Validate(); err != nil {
		return nil, "", uriError(err)
	}
	if !cs.WNumberSet && cs.WString == "" {
		// journal or wtimeoutMS alone must not turn w=majority off.
		opts.WriteConcern.W = majority().W
		opts.WriteConcern.Journal = majority().Journal
	}
	if cs.JSet {
		opts.WriteConcern.Journal = &cs.J // the driver takes false for unset
	}
	if !opts.WriteConcern.Acknowledged() {
		return nil, "", errors.New("mongo: open: w=0 is not supported: every write has to tell its outcome")
	}
	database := cs.Database
	if database == "" {
		database = defaultDatabase
	}
	return opts, database, nil
}

// majority is acknowledgement by a majority, from the journal.
func majority() *writeconcern.WriteConcern {
	journal := true
	return &writeconcern.WriteConcern{W: "majority", Journal: &journal}
}

// uriError withholds the parser's text, which may quote the password.
func uriError(err error) error {
	// mongodb+srv names its servers in the DNS.
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) {
		return fmt.Errorf("mongo: open: %w: looking up the URI's servers in the DNS", store.ErrUnavailable)
	}
	return errors.New("mongo: open: malformed URI (withheld, as it may hold a password): want " +
		"mongodb://HOST[:PORT][,...][/DATABASE][?OPTIONS], with user and password, if any, percent-encoded in front of HOST")
}
