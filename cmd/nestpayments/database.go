package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// database is the flag that every command shares.
type database struct {
	DatabaseURL string `env:"DATABASE_URL" secret:"" placeholder:"URL" help:"Where users and payments are kept: sqlite:PATH on one machine, or mongodb://… or mongodb+srv://… for many. Required."`
}

// check returns what is wrong with the URL, without repeating it: it may hold a
// password.
func (d database) check() error {
	scheme, rest, _ := strings.Cut(d.DatabaseURL, ":")
	switch {
	case d.DatabaseURL == "":
		return errors.New("DATABASE_URL is missing: set it to sqlite:PATH or mongodb://HOST/NAME")
	case scheme == "sqlite" && rest == "":
		return errors.New("DATABASE_URL names no file: write sqlite:PATH, such as sqlite:/var/lib/nestpayments/data.db")
	case scheme != "sqlite" && scheme != "mongodb" && scheme != "mongodb+srv":
		return errors.New("DATABASE_URL has a scheme that is not supported: it must start with sqlite:, mongodb:// or mongodb+srv://")
	}
	return nil
}

// await opens the database as soon as it can be reached, and until then logs that it
// is waiting. It returns an error that waiting does not help at once.
func (d database) await(ctx context.Context, log *slog.Logger) (store.Store, error) {
	const longest = 5 * time.Second
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
		db, err := d.open(ctx, log)
		if err == nil || !errors.Is(err, store.ErrUnavailable) || ctx.Err() != nil {
			return db, err
		}
		log.Warn("waiting for the database: check that it runs and that DATABASE_URL names it", slog.String("error", err.Error()))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// open opens the database that the URL names, and logs what takes long. The URL has
// been checked.
func (d database) open(ctx context.Context, log *slog.Logger) (store.Store, error) {
	if path, ok := strings.CutPrefix(d.DatabaseURL, "sqlite:"); ok {
		db, err := sqlite.Open(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return db, nil
	}
	db, err := mongo.Open(ctx, d.DatabaseURL, log)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}
