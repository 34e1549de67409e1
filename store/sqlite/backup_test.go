package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// fill adds n users with a payment each, in one write of each.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	for start := 0; start < n; start += store.MaxPage {
		var users []*store.User
		var payments []*store.Payment
		for i := start; i < min(start+store.MaxPage, n); i++ {
			u := newUser(i)
			p := newPayment(u.ID, i)
			u.Version, p.Version = 1, 1
			users, payments = append(users, u), append(payments, p)
		}
		if err := errors.Join(s.MoveUsers(t.Context(), users), s.MovePayments(t.Context(), payments)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantFiles checks what a folder has.
func wantFiles(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("files: got %v, want %v", got, want)
	}
}

// Writers write on, through another connection, while the backup is taken in
// many steps.
func TestABackupUnderWritesIsOneState(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source, target := filepath.Join(folder, "test.db"), filepath.Join(folder, "backup.db")
	s := openAt(t, source)
	fill(t, s, 3*store.MaxPage)
	before, err := s.Size(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	const writers = 3
	var (
		acknowledged [writers]atomic.Int64
		writing      sync.WaitGroup
	)
	ctx, stop := context.WithCancel(t.Context())
	for w := range writers {
		writing.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := s.InsertPayment(ctx, newPayment(fmt.Sprint("writer", w), n)); err != nil {
					return
				}
				acknowledged[w].Store(int64(n + 1))
			}
		})
	}
	var begun [writers]int64
	for w := range writers {
		for acknowledged[w].Load() < 5 {
			if err := t.Context().Err(); err != nil {
				t.Fatal(err)
			}
		}
		begun[w] = acknowledged[w].Load()
	}
	steps := 0
	bounded, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	size, err := Backup(bounded, source, target, func(done, total int) {
		if steps++; steps > 100 { // it starts anew at each write, and never ends
			giveUp()
		}
		// Each step waits for a write, so that writes come between steps.
		for at := acknowledged[0].Load(); acknowledged[0].Load() == at; {
			if t.Context().Err() != nil {
				return
			}
		}
	})
	stop()
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if steps < 2 {
		t.Fatalf("the backup took %d steps: it tried nothing", steps)
	}

	restored := openAt(t, target)
	if got, err := restored.Size(t.Context()); err != nil || got != size || got.Users != before.Users {
		t.Errorf("size: got %+v, %v, want %+v", got, err, size)
	}
	for w := range writers {
		// All until one, none behind it: it is a state that there has been.
		n := int64(0)
		for ; ; n++ {
			_, err := restored.PaymentByCUID(t.Context(), fmt.Sprint("writer", w), newPayment(fmt.Sprint("writer", w), int(n)).CUID)
			if errors.Is(err, store.ErrNotFound) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if n < begun[w] {
			t.Errorf("writer %d: the backup has its first %d payments, but %d were acknowledged when it began", w, n, begun[w])
		}
		if last := acknowledged[w].Load(); n >= last {
			t.Errorf("writer %d: the backup has %d payments of %d: nothing was written meanwhile", w, n, last)
		}
		size.Payments -= n
	}
	if size.Payments != before.Payments {
		t.Errorf("payments beside those of the writers: got %d, want %d", size.Payments, before.Payments)
	}
}

func TestABackupOverwritesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source := filepath.Join(folder, "test.db")
	fill(t, openAt(t, source), 1)
	for _, name := range []string{"taken", "taken.partial", "test.db"} {
		path := filepath.Join(folder, name)
		if name != "test.db" {
			if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		target := strings.TrimSuffix(path, ".partial")
		if name == "taken.partial" {
			if err := os.Remove(target); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Backup(t.Context(), source, target, nil); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: got error %v, want %v", name, err, fs.ErrExist)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, before) {
			t.Errorf("%s: it was changed: %v", name, err)
		}
	}
	wantFiles(t, folder, "taken.partial", "test.db", "test.db-shm", "test.db-wal")
}

func TestABackupOfWhatIsNotOursIsRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, statements, want string
	}{
		{"another program's", "CREATE TABLE x (y)", "another program"},
		{"a later schema", fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 99", applicationID), "schema version 99"},
		{"nothing there", "", "no such file"},
	} {
		folder := t.TempDir()
		source := filepath.Join(folder, "test.db")
		want := []string{}
		if tt.statements != "" {
			change(t, source, tt.statements)
			want = append(want, "test.db")
		}
		_, err := Backup(t.Context(), source, filepath.Join(folder, "backup.db"), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want one with %q", tt.name, err, tt.want)
		}
		wantFiles(t, folder, want...)
	}
}

func TestAnInterruptedBackupLeavesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source := filepath.Join(folder, "test.db")
	s := openAt(t, source)
	fill(t, s, 3*store.MaxPage)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Backup(ctx, source, filepath.Join(folder, "backup.db"), func(int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
	wantFiles(t, folder, "test.db")
}

// A page that is broken in the source is broken in its copy.
func TestAnUnsoundBackupIsRemoved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	source := filepath.Join(folder, "test.db")
	s := openAt(t, source)
	fill(t, s, store.MaxPage)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	// Of a leaf of the payments, so that nothing that is read on the way sees it.
	broken := bytes.Replace(file, []byte("requires_payment_method"), []byte("requires\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), 1)
	at := bytes.Index(file, []byte("requires_payment_method")) / 4096 * 4096
	copy(broken[at+8:], []byte{0xff, 0xff, 0xff, 0xff})
	if err := os.WriteFile(source, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), source, filepath.Join(folder, "backup.db"), nil); err == nil || !strings.Contains(err.Error(), "not sound") {
		t.Errorf("got error %v, want one that says that the backup is not sound", err)
	}
	wantFiles(t, folder, "test.db")
}

func BenchmarkBackup(b *testing.B) {
	folder := b.TempDir()
	source := filepath.Join(folder, "test.db")
	s := openAt(b, source)
	fill(b, s, 10*store.MaxPage)
	info, err := os.Stat(source)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(info.Size())
	n := 0
	for b.Loop() {
		n++
		if _, err := Backup(b.Context(), source, filepath.Join(folder, fmt.Sprint("backup", n)), nil); err != nil {
			b.Fatal(err)
		}
	}
}
