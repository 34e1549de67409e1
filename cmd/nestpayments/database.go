package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// database is the flag that every command shares.
type database struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Where users and payments are kept: sqlite:PATH on one machine, or mongodb://… or mongodb+srv://… for many. Required."`
}

// check tells what is wrong with the URL, without repeating it: it may hold a
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

// open opens the database that the URL names. The URL has been checked.
func (d database) open(ctx context.Context) (store.Store, error) {
	if path, ok := strings.CutPrefix(d.DatabaseURL, "sqlite:"); ok {
		db, err := sqlite.Open(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("open the database: %w", err)
		}
		return db, nil
	}
	db, err := mongo.Open(ctx, d.DatabaseURL)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return db, nil
}
