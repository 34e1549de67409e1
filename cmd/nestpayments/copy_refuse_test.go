package main

import (
	"bytes"
	"context"
	"database/sql"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// wantRefused runs the copy, and checks that it says why it refuses, names the
// ids, no email, and leaves the target as it is.
func wantRefused(t *testing.T, c copier, want string, ids ...string) {
	t.Helper()
	before := contentsOf(t, c.to)
	out, err := copyAll(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got error %v, want one with %q\n%s", err, want, out)
	}
	for _, id := range ids {
		if !strings.Contains(out, id) {
			t.Errorf("got output\n%s\nwant it to name %s", out, id)
		}
	}
	if strings.Contains(out+err.Error(), "@") {
		t.Errorf("it names an email address: %v\n%s", err, out)
	}
	after := contentsOf(t, c.to)
	if len(before.users) != len(after.users) || len(before.payments) != len(after.payments) {
		t.Errorf("the target was written to: got %d users and %d payments, want %d and %d", len(after.users), len(after.payments), len(before.users), len(before.payments))
	}
}

func TestATargetInUseIsNeverOverwritten(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// change makes what the target has under these ids newer.
		change func(t *testing.T, from, to store.Movable) (id string)
		want   string
	}{
		{"a user who was changed in the target", func(t *testing.T, _, to store.Movable) string {
			u, err := to.UserByEmail(t.Context(), testUser(1).EmailKey)
			must(t, err)
			must(t, to.UpdateUser(t.Context(), u))
			return u.ID
		}, "changed in the target"},
		{"a payment that was changed in both", func(t *testing.T, from, to store.Movable) (id string) {
			for i, db := range []store.Movable{from, to} {
				ps := contentsOf(t, db).payments
				ps[0].Status, id = []string{"canceled", "processing"}[i], ps[0].ID
				must(t, db.UpdatePayment(t.Context(), &ps[0]))
			}
			return id
		}, "changed in the target"},
		{"a payment that was changed later in the target, less often", func(t *testing.T, from, to store.Movable) (id string) {
			for i, db := range []store.Movable{from, to} {
				ps := contentsOf(t, db).payments
				for range 2 - i {
					ps[0].UpdatedAt = moved(1000 + i)
					must(t, db.UpdatePayment(t.Context(), &ps[0]))
				}
				id = ps[0].ID
			}
			return id
		}, "changed in the target"},
		{"a payment that was made in the target", func(t *testing.T, _, to store.Movable) string {
			p := testPayment("u", 500)
			must(t, to.InsertPayment(t.Context(), p))
			return p.ID
		}, "the target has 1 payments that the source has not"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := copier{from: newSQLite(t), to: newSQLite(t), remove: true}
			fillStore(t, c.from, 4)
			if out, err := copyAll(t.Context(), c); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			id := tt.change(t, c.from, c.to)
			must(t, c.from.InsertPayment(t.Context(), testPayment("u", 600)))
			wantRefused(t, c, tt.want, id)
		})
	}
}

func TestATargetWithOtherUsersIsRefused(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: newSQLite(t)}
	fillStore(t, c.from, 4)
	other := testUser(100)
	other.EmailKey = testUser(1).EmailKey
	must(t, c.to.InsertUser(t.Context(), other))
	wantRefused(t, c, "the target has 1 users that the source has not", other.ID)
	// A payment in the target shows that --delete would delete who uses it.
	must(t, c.to.InsertPayment(t.Context(), testPayment(other.ID, 100)))
	c.remove = true
	wantRefused(t, c, "they are other data")
}

func TestAnEmptySourceIsRefused(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: newSQLite(t), remove: true}
	must(t, c.to.InsertUser(t.Context(), testUser(1)))
	wantRefused(t, c, "no users and no payments")
}

func TestDatabasesInUseAreRefused(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: newMongo(t)}
	fillStore(t, c.from, 4)
	for _, tt := range []struct {
		db   store.Movable
		want string
	}{{c.from, "the source is in use"}, {c.to, "target: a server runs on it"}} {
		if _, ok, err := tt.db.AcquireLease(t.Context(), reconcilerLease, "server", time.Now(), time.Hour); !ok || err != nil {
			t.Fatalf("AcquireLease: got %v, %v", ok, err)
		}
		if out, err := copyAll(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want an error with %q\n%s", err, tt.want, out)
		}
		must(t, tt.db.ReleaseLease(t.Context(), reconcilerLease, "server"))
	}
	if out, err := copyAll(t.Context(), c); err != nil {
		t.Errorf("after the servers have stopped: %v\n%s", err, out)
	}
}

// tampering changes a payment on its way into the target.
type tampering struct {
	store.Movable
	id string
}

func (x tampering) MovePayments(ctx context.Context, ps []*store.Payment) error {
	for i, p := range ps {
		if p.ID == x.id {
			changed := *p
			changed.Amount++
			ps[i] = &changed
		}
	}
	return x.Movable.MovePayments(ctx, ps)
}

func TestVerificationFindsATamperedDocument(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t)}
	fillStore(t, c.from, 10)
	for _, p := range contentsOf(t, c.from).payments[:20:20] {
		target := newSQLite(t)
		c.to = tampering{target, p.ID}
		out, err := copyAll(t.Context(), c)
		if err == nil || !strings.Contains(err.Error(), "the copy is not good: 1 documents") || !strings.Contains(out, "payment "+p.ID+": changed in the target: Amount\n") {
			t.Errorf("payment %s: got %v\n%s\nwant it to be found", p.ID, err, out)
		}
		if cursor := contentsOf(t, target).cursor; cursor != "" {
			t.Errorf("the cursor of a copy that is not good: got %q, want none", cursor)
		}
	}
}

// losing loses what it is given last.
type losing struct{ store.Movable }

func (l losing) MoveUsers(ctx context.Context, us []*store.User) error {
	return l.Movable.MoveUsers(ctx, us[:len(us)-1])
}

func TestVerificationFindsAMissingDocument(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: losing{newSQLite(t)}}
	fillStore(t, c.from, 3)
	out, err := copyAll(t.Context(), c)
	lost := contentsOf(t, c.from).users[2].ID
	if err == nil || !strings.Contains(err.Error(), "source: 3 users") || !strings.Contains(out, "user "+lost+": missing in the target") {
		t.Errorf("got %v\n%s\nwant the missing user to be named", err, out)
	}
}

func TestFindingsAreBounded(t *testing.T) {
	t.Parallel()
	c := copier{from: newSQLite(t), to: newSQLite(t)}
	fillStore(t, c.from, 1)
	for n := range 150 {
		must(t, c.to.InsertUser(t.Context(), testUser(10+2*n+1)))
	}
	out, err := copyAll(t.Context(), c)
	if err == nil || strings.Count(out, "only in the target") != maxFindings || !strings.Contains(out, "and 50 more") {
		t.Errorf("got %v\n%s\nwant %d findings and a count of the others", err, out, maxFindings)
	}
}

func TestCopyCommandRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "data.db")
	fillStore(t, openSQLite(t, path), 1)
	newer := filepath.Join(dir, "newer.db")
	openSQLite(t, newer)
	raw, err := sql.Open("sqlite", newer)
	must(t, err)
	_, err = raw.Exec("PRAGMA user_version = 99")
	must(t, err)
	must(t, raw.Close())
	link := filepath.Join(dir, "link.db")
	must(t, os.Symlink(path, link))
	uri := mongotest.Start(t)
	must(t, run(t.Context(), []string{"admin", "copy", "--from", "sqlite:" + path, "--to", uri}, io.Discard))
	for _, tt := range []struct{ name, from, to, want string }{
		{"no URLs", "", "", "FROM_DATABASE_URL is missing"},
		{"no target", "sqlite:" + path, "", "TO_DATABASE_URL is missing"},
		{"a scheme that is not supported", "postgres://ada:hunter2@host/db", "sqlite:" + path, "FROM_DATABASE_URL has a scheme"},
		{"a malformed URL", "sqlite:" + path, "mongodb://ada:hunter2/x@host", "TO_DATABASE_URL: mongo: open: malformed URI"},
		{"one file", "sqlite:" + path, "sqlite:" + path, "the same database"},
		{"one file under two names", "sqlite:" + path, "sqlite:" + link, "the same database"},
		{"one MongoDB database under two names", uri, uri + "?appName=x", "the same database"},
		{"a source that is not there", "sqlite:" + filepath.Join(dir, "none.db"), "sqlite:" + path, "no such file"},
		{"a source of a later schema", "sqlite:" + newer, "sqlite:" + path, "schema version 99"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), []string{"admin", "copy", "--from", tt.from, "--to", tt.to}, &out)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error()+out.String(), "hunter2") {
			t.Errorf("%s: it prints a password: %v\n%s", tt.name, err, &out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Error("a source that was not there was made")
	}
}
