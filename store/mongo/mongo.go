package mongo

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"

	"github.com/nestpayments/nestpayments/store"
)

// Store is a store.Store in a MongoDB database.
type Store struct {
	client                            *driver.Client
	users, payments, leases, attempts *driver.Collection
	// timeout bounds a call whose context has no deadline.
	timeout time.Duration
}

var _ store.Movable = (*Store)(nil)

// Open connects to the database that uri names, "nestpayments" if its path
// names none, and makes the indexes that are missing. ctx bounds that work:
// without a deadline Open waits for as long as an index takes, which is minutes
// for one that is new on a million documents, and log says what is being made.
// A nil log drops that. store.ErrUnavailable.
//
// uri is a connection string, mongodb:// or mongodb+srv://. Unless it says
// otherwise: writes w=majority with journal, reads from the primary, 3 s to
// find a server, 3 s to connect, 5 s for a call whose context has no deadline
// (timeoutMS), 50 connections to each server.
// Source: https://www.mongodb.com/docs/manual/reference/connection-string-options/
func Open(ctx context.Context, uri string, log *slog.Logger) (*Store, error) {
	opts, database, err := parseURI(uri)
	if err != nil {
		return nil, err
	}
	return connect(ctx, opts, database, log)
}

func connect(ctx context.Context, opts *options.ClientOptions, database string, log *slog.Logger) (*Store, error) {
	client, err := driver.Connect(ctx, opts)
	if err != nil {
		return nil, wrap(ctx, "open", err)
	}
	db := client.Database(database)
	s := &Store{
		client:   client,
		users:    db.Collection("users"),
		payments: db.Collection("payments"),
		leases:   db.Collection("leases"),
		attempts: db.Collection("attempts"),
		timeout:  defaultTimeout,
	}
	if opts.Timeout != nil && *opts.Timeout > 0 {
		s.timeout = *opts.Timeout
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if err := s.makeIndexes(ctx, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Ping reports whether the primary answers and can read: it looks for a document, as
// some servers and routers answer the command ping without their storage.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, "ping", func(ctx context.Context) error {
		users, err := s.users.Clone(options.Collection().SetReadPreference(readpref.Primary()))
		if err != nil {
			return err
		}
		_, err = exists(ctx, users, bson.D{{Key: "_id", Value: primitive.NilObjectID}}, nil)
		return err
	})
}

// Close breaks off calls that are still running after the default time-out of
// a call, and closes every connection.
func (s *Store) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.timeout)
	defer cancel()
	err := s.client.Disconnect(ctx)
	if errors.Is(err, driver.ErrClientDisconnected) {
		return nil
	}
	return wrap(ctx, "close", err)
}

// call runs f with a deadline, the caller's if that is earlier, and gives its
// error the store's meaning.
func (s *Store) call(ctx context.Context, op string, f func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return wrap(ctx, op, f(bounded))
}
