package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// copySize may be 100000, for a long test.
var copySize = flag.Int("copy.users", 10_000, "how many users, and twice as many payments, the test of the copy's memory copies")

// sampling notes the largest heap in use while a copy writes.
type sampling struct {
	store.Movable
	mu    *sync.Mutex
	calls *int
	most  *uint64
}

func (s sampling) MovePayments(ctx context.Context, ps []*store.Payment) error {
	s.mu.Lock()
	if *s.calls++; *s.calls%16 == 0 {
		*s.most = max(*s.most, heapInUse())
	}
	s.mu.Unlock()
	return s.Movable.MovePayments(ctx, ps)
}

func heapInUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Not parallel: it measures the heap of the process.
func TestACopyOfAnySizeTakesLittleMemory(t *testing.T) {
	from, to := newSQLite(t), newSQLite(t)
	for start := 0; start < *copySize; start += store.MaxPage {
		var us []*store.User
		var ps []*store.Payment
		for n := start; n < min(start+store.MaxPage, *copySize); n++ {
			us = append(us, testUser(n))
			ps = append(ps, testPayment("u", 2*n), testPayment("u", 2*n+1))
		}
		must(t, from.MoveUsers(t.Context(), us))
		must(t, from.MovePayments(t.Context(), ps))
	}
	before, most, calls := heapInUse(), uint64(0), 0
	began := time.Now()
	c := copier{from: from, to: sampling{to, &sync.Mutex{}, &calls, &most}, out: output{t.Output()}, page: copyPage}
	must(t, c.run(t.Context()))
	documents := 3 * *copySize
	t.Logf("%d documents in %s, %.0f/s with verification; %d KiB beside what there was", documents, time.Since(began).Round(time.Millisecond),
		float64(documents)/time.Since(began).Seconds(), (int64(most)-int64(before))/1024)
	// All of them are 15 MiB and more.
	if most == 0 || int64(most)-int64(before) > 8<<20 {
		t.Errorf("heap: got %d bytes, and %d before, want 8 MiB more at most", most, before)
	}
}

// copyEnv names the databases by file and by variable.
func copyEnv(t *testing.T, from, to string) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "url")
	must(t, os.WriteFile(path, []byte(from+"\n"), 0o600))
	return []string{"FROM_DATABASE_URL_FILE=" + path, "TO_DATABASE_URL=" + to}
}

// The real program is interrupted as soon as the target has users, and killed as
// soon as it has payments; then it completes what they have begun.
func TestTheCopyProgramIsInterruptedKilledAndRunAgain(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "data.db")
	from := openSQLite(t, source)
	fillStore(t, from, 600)
	uri := mongotest.Start(t)
	env := copyEnv(t, "sqlite:"+source, uri)
	to, err := openMovable(t.Context(), "target", uri)
	must(t, err)
	t.Cleanup(func() { must(t, to.Close()) })

	stopped := func(signal os.Signal, when func(store.Size) bool) string {
		var out bytes.Buffer
		cmd := realProgram(t, env, "admin", "copy")
		cmd.Stdout, cmd.Stderr = &out, &out
		must(t, cmd.Start())
		for size := (store.Size{}); !when(size); {
			if size, err = to.Size(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Logf("the program was done before %v", signal)
		}
		return out.String()
	}
	out := stopped(os.Interrupt, func(s store.Size) bool { return s.Users > 0 })
	if !strings.Contains(out, "interrupted: run the same command again") {
		t.Errorf("got output\n%s\nwant it to say how to go on", out)
	}
	stopped(os.Kill, func(s store.Size) bool { return s.Payments > 0 })
	again, err := realProgram(t, env, "admin", "copy").CombinedOutput()
	if err != nil || !strings.Contains(string(again), "verified: 600 users and 1200 payments") {
		t.Fatalf("got %v\n%s\nwant it to verify", err, again)
	}
	wantCopy(t, from, to)
}

// The server that runs is noticed; backed up while it runs; and once it has
// stopped, its database is copied.
func TestBackupAndCopyOfARunningServer(t *testing.T) {
	t.Parallel()
	source := filepath.Join(t.TempDir(), "data.db")
	s := newSystemOn(t, "sqlite:"+source)
	fillStore(t, openSQLite(t, source), 5)
	s.start(t, "--reconcile-interval", "50ms")
	dir := t.TempDir()
	target, backup := filepath.Join(dir, "target.db"), filepath.Join(dir, "backup.db")
	from := openSQLite(t, source)
	for ok := true; ok; { // until its reconciler has the lease
		var err error
		_, ok, err = from.AcquireLease(t.Context(), reconcilerLease, "test", time.Now(), 0)
		must(t, err)
	}
	env := copyEnv(t, "sqlite:"+source, "sqlite:"+target)
	out, err := realProgram(t, env, "admin", "copy").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the source is in use") {
		t.Errorf("a copy of what is in use: got %v\n%s\nwant it to be refused", err, out)
	}
	if out, err := realProgram(t, env, "admin", "copy", "--ahead").CombinedOutput(); err != nil {
		t.Errorf("a copy ahead: got %v\n%s", err, out)
	}
	backupEnv := []string{"DATABASE_URL=sqlite:" + source}
	out, err = realProgram(t, backupEnv, "admin", "backup", backup).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "5 users and 10 payments, verified") {
		t.Errorf("backup: got %v\n%s", err, out)
	}
	if out, err := realProgram(t, backupEnv, "admin", "backup", backup).CombinedOutput(); err == nil || !strings.Contains(string(out), "file exists") {
		t.Errorf("a second backup to the same file: got %v\n%s\nwant it to be refused", err, out)
	}
	s.stop()
	must(t, <-s.done)
	if out, err := realProgram(t, env, "admin", "copy").CombinedOutput(); err != nil {
		t.Errorf("a copy after the server has stopped: got %v\n%s", err, out)
	}
	wantCopy(t, from, openSQLite(t, target))
	if restored, err := openSQLite(t, backup).Size(t.Context()); err != nil || restored != (store.Size{Users: 5, Payments: 10}) {
		t.Errorf("restored: got %+v, %v, want 5 users and 10 payments", restored, err)
	}
}

func TestABackupOfMongoDBNamesMongodump(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "backup.db")
	err := run(t.Context(), []string{"admin", "backup", "--database-url", "mongodb://ada:hunter2@host/db", path}, output{t.Output()})
	if err == nil || !strings.Contains(err.Error(), "mongodump") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want it to name mongodump and no password", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a file was made")
	}
}

func BenchmarkCopy(b *testing.B) {
	const users = 2000
	source := filepath.Join(b.TempDir(), "source.db")
	first, err := sqlite.Open(b.Context(), source)
	must(b, err)
	b.Cleanup(func() { must(b, first.Close()) })
	fillStore(b, first, users)
	filled := newMongo(b)
	copier := copier{from: first, to: filled, out: output{b.Output()}, page: copyPage}
	must(b, copier.run(b.Context()))
	for _, bb := range []struct {
		name string
		from store.Movable
		open func(testing.TB) store.Movable
	}{
		{"SQLiteToSQLite", first, newSQLite},
		{"SQLiteToFerretDB", first, newMongo},
		{"FerretDBToSQLite", filled, newSQLite},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				c := copier
				c.from, c.to = bb.from, bb.open(b)
				must(b, c.run(b.Context()))
			}
			b.ReportMetric(3*users*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
