package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// wantOpenError checks that Open refuses the path and says why.
func wantOpenError(t *testing.T, path, want string) error {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err == nil {
		s.Close()
		t.Fatalf("Open: got no error, want %q", want)
	}
	if got := err.Error(); !strings.Contains(got, want) || !strings.Contains(got, path) {
		t.Errorf("Open: got error %q, want one with %q and the path", got, want)
	}
	return err
}

// change runs statements on the database file beside any Store.
func change(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenMakesFilesForTheOwnerOnly(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	s := openAt(t, filepath.Join(folder, "test.db"))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != 0o600 {
			t.Errorf("%s: got mode %v, want 0600", e.Name(), got)
		}
	}
	if got, want := strings.Join(names, " "), "test.db test.db-shm test.db-wal"; got != want {
		t.Errorf("files: got %s, want %s", got, want)
	}
}

func TestOpenTakesAnyFileName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"with space.db", "a?mode=memory", "50%41.db", "#x", "ä&b=c;d", "file:x"} {
		path := filepath.Join(t.TempDir(), name)
		openAt(t, path)
		if _, err := os.Stat(path); err != nil {
			t.Errorf("after Open of %q: %v", name, err)
		}
	}
}

func TestOpenSetsSafeModes(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	for _, tt := range []struct{ pragma, want string }{
		{"journal_mode", "wal"},
		{"synchronous", "2"},
		{"busy_timeout", "5000"},
		{"user_version", "4"},
	} {
		var got string
		if err := s.writer.QueryRow("PRAGMA " + tt.pragma).Scan(&got); err != nil || got != tt.want {
			t.Errorf("writer's %s: got %q, %v, want %q", tt.pragma, got, err, tt.want)
		}
	}
	r, err := s.readers.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { s.readers.idle <- r }()
	for _, tt := range []struct {
		pragma string
		want   int64
	}{
		{"query_only", 1},
		{"busy_timeout", 5000},
	} {
		var got [1]driver.Value
		rows, err := r.conn.(driver.QueryerContext).QueryContext(t.Context(), "PRAGMA "+tt.pragma, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(rows.Next(got[:]), rows.Close()); err != nil || got[0] != tt.want {
			t.Errorf("reader's %s: got %v, %v, want %v", tt.pragma, got[0], err, tt.want)
		}
	}
	if _, err := r.conn.(driver.ExecerContext).ExecContext(t.Context(), "DELETE FROM users", nil); err == nil {
		t.Error("a reader could write")
	}
}

func TestOpenRefusesGarbage(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	garbage := strings.Repeat("Dear diary, today I took a payment. ", 100)
	if err := os.WriteFile(path, []byte(garbage), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, path, "not a SQLite database")
	if got, err := os.ReadFile(path); err != nil || string(got) != garbage {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestOpenRefusesTheDatabaseOfAnotherProgram(t *testing.T) {
	t.Parallel()
	for _, made := range []string{
		"CREATE TABLE users (id INTEGER)",
		"PRAGMA application_id = 7; PRAGMA user_version = 1",
		"PRAGMA user_version = 1",
	} {
		path := filepath.Join(t.TempDir(), "other.db")
		change(t, path, made)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wantOpenError(t, path, "another program")
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("%s: the file was changed (%v)", made, err)
		}
	}
}

func TestOpenRefusesALaterVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	change(t, path, "PRAGMA user_version = 5")
	wantOpenError(t, path, "schema version 5 and this program knows 4")
}

// Every version that a release may have left behind, with what was in it.
func TestOpenBringsAnEarlierVersionUpToDate(t *testing.T) {
	t.Parallel()
	const rows = `
		INSERT INTO users (id, name, email, email_key, password_hash, customer_attempt, admin, created_at, updated_at, version)
		VALUES ('u1', 'Ada', 'a@example.com', 'a@example.com', 'hash', 0, 0, 1, 2, 7);
		INSERT INTO payments (id, user_id, cuid, amount, currency, intent_id, customer_id, status, payment_method,
			attempt, confirm_attempt, decline_code, error_code, check_at, created_at, updated_at, version)
		VALUES ('p2', 'u1', 'c2', 2, 'usd', NULL, '', '', '', 0, 0, '', '', NULL, 1, 2, 1),
			('p1', 'u1', 'c1', 1, 'eur', 'pi_1', 'cus_1', 's', 'pm_1', 3, 4, 'd', 'e', 5, 6, 7, 8);`
	want := store.Payment{
		ID: "p1", UserID: "u1", CUID: "c1", Amount: 1, Currency: "eur", IntentID: "pi_1", CustomerID: "cus_1", Status: "s",
		PaymentMethod: "pm_1", Attempt: 3, ConfirmAttempt: 4, DeclineCode: "d", ErrorCode: "e",
		CheckAt: fromMillis(5), CreatedAt: fromMillis(6), UpdatedAt: fromMillis(7), Version: 8,
	}
	for version := 1; version < schemaVersion; version++ {
		path := filepath.Join(t.TempDir(), "test.db")
		change(t, path, strings.Join(migrations[:version], "")+rows+
			fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, version))
		s := openAt(t, path)
		if got, err := s.User(t.Context(), "u1"); err != nil || got.Name != "Ada" || got.Version != 7 {
			t.Errorf("from version %d: User: got %+v, %v, want Ada's version 7", version, got, err)
		}
		for list, err := range s.AllPayments(t.Context(), 10) {
			if err != nil || len(list) != 2 || *list[0] != want || list[1].ID != "p2" {
				t.Errorf("from version %d: AllPayments: got %+v, %v, want %+v and p2", version, list, err, want)
			}
		}
		if got, err := s.PaymentByIntent(t.Context(), "pi_1"); err != nil || *got != want {
			t.Errorf("from version %d: PaymentByIntent: got %+v, %v, want %+v", version, got, err, want)
		}
		if ok, err := s.CountAttempt(t.Context(), store.Attempt{Key: "k", Expires: day}, 1); !ok || err != nil {
			t.Errorf("from version %d: CountAttempt: got %v, %v, want ok", version, ok, err)
		}
	}
}

func TestOpenRefusesAFolder(t *testing.T) {
	t.Parallel()
	wantOpenError(t, t.TempDir(), "it is a folder")
}

func TestOpenNeedsTheFolder(t *testing.T) {
	t.Parallel()
	err := wantOpenError(t, filepath.Join(t.TempDir(), "missing", "test.db"), "its folder must exist")
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got error %v, want %v", err, os.ErrNotExist)
	}
}

func TestOpenNeedsToWrite(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("nothing is read-only for root")
	}
	path := filepath.Join(t.TempDir(), "test.db")
	if err := openAt(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name         string
		file, folder os.FileMode
		open         string
		want         string
	}{
		{"file", 0o400, 0o700, path, "must be writable"},
		{"folder", 0o600, 0o500, path, "must be writable"},
		{"folder without the file", 0o600, 0o500, path + ".new", "must be writable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := filepath.Dir(path)
			if err := errors.Join(os.Chmod(path, tt.file), os.Chmod(folder, tt.folder)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(folder, 0o700) })
			wantOpenError(t, tt.open, tt.want)
		})
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, filepath.Join(t.TempDir(), "test.db")); !errors.Is(err, context.Canceled) {
		t.Errorf("Open: got error %v, want %v", err, context.Canceled)
	}
}

func TestOpenIsUnavailableWhileTheFileIsLocked(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for the busy time-out")
	}
	path := filepath.Join(t.TempDir(), "test.db")
	other := openAt(t, path)
	tx, err := other.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	err = wantOpenError(t, path, "another process has locked it")
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, store.ErrUnavailable)
	}
}

func TestAMigrationIsLogged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open := func() string {
		var out strings.Builder
		s, err := OpenLog(t.Context(), path, slog.New(slog.NewJSONHandler(&out, nil)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	change(t, path, strings.Join(migrations[:schemaVersion-1], "")+
		fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion-1))
	versions := fmt.Sprintf(`"from":%d,"to":%d`, schemaVersion-1, schemaVersion)
	log := open()
	if strings.Count(log, versions) != 2 || !strings.Contains(log, "durationMs") {
		t.Errorf("got\n%swant a line before and one after, with the versions and the time", log)
	}
	if log := open(); log != "" {
		t.Errorf("a file of this version: got %s, want no line", log)
	}
}
