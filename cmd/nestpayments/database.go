package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
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

// check reports what is wrong with the URL.
func (d database) check() error { return checkDatabase("DATABASE_URL", d.DatabaseURL) }

// checkDatabase reports what is wrong with the URL in the variable, without repeating it:
// it may hold a password. It opens nothing.
func checkDatabase(variable, text string) error {
	scheme, rest, _ := strings.Cut(text, ":")
	switch {
	case text == "":
		return missingError{variable, "set it to sqlite:PATH or mongodb://HOST/NAME"}
	case scheme == "sqlite" && rest == "":
		return fmt.Errorf("%s names no file: write sqlite:PATH, such as sqlite:/var/lib/nestpayments/data.db", variable)
	case scheme == "sqlite":
		return named(variable, checkSQLiteFile(rest))
	case scheme == "mongodb":
		return named(variable, mongo.CheckURI(text))
	case scheme != "mongodb+srv": // to check one of these takes a name server
		return fmt.Errorf("%s has a scheme that is not supported: it must start with sqlite:, mongodb:// or mongodb+srv://", variable)
	}
	return nil
}

// checkSQLiteFile reports why no database file can be opened or made at path, and a path
// that SQLite itself would take for something else than a file.
func checkSQLiteFile(path string) error {
	switch {
	case strings.HasPrefix(path, ":memory:"):
		return errors.New("a database in memory is not supported: write sqlite:PATH, such as sqlite:/var/lib/nestpayments/data.db")
	case strings.HasPrefix(path, "file:"):
		return errors.New("the path begins with file:, which is not supported: write sqlite:PATH, such as sqlite:/var/lib/nestpayments/data.db")
	case strings.Contains(path, "?"):
		return errors.New("the path holds a question mark, and options are not supported: write the path alone")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return errors.New("it is a folder: give the path of a file")
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("its folder must exist: %w", withoutPath(err))
	}
	if !info.IsDir() {
		return errors.New("its folder must exist: that is a file")
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
		db, err := sqlite.OpenLog(ctx, path, log)
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
