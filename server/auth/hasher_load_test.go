package auth

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// gate is a Hasher whose hashes begin, and then wait to be let go.
type gate struct {
	*Hasher
	started chan string   // the password of every hash that begins
	leave   chan struct{} // one receive per hash
}

func newGate(t *testing.T, cfg HasherConfig) gate {
	cfg.Params = cheap()
	g := gate{Hasher: newHasher(t, cfg), started: make(chan string, 64), leave: make(chan struct{})}
	g.derive = func(password, _ []byte, _, _ uint32, _ uint8, size uint32) []byte {
		g.started <- string(password)
		<-g.leave
		return make([]byte, size)
	}
	return g
}

// start hashes in the background, and returns when it runs or waits.
func (g gate) start(ctx context.Context, password string) <-chan error {
	result := make(chan error, 1)
	go func() {
		_, err := g.Hash(ctx, password)
		result <- err
	}()
	synctest.Wait()
	return result
}

func (g gate) load(t *testing.T, running, waiting int) {
	t.Helper()
	synctest.Wait()
	if got := g.Stats(); got.Running != running || got.Waiting != waiting {
		t.Errorf("load: got %d running and %d waiting, want %d and %d", got.Running, got.Waiting, running, waiting)
	}
}

func wantResult(t *testing.T, result <-chan error, want error) {
	t.Helper()
	if err := <-result; !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}

func TestNoMoreHashesRunThanThereAreWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 2, Queue: 10})
		var results []<-chan error
		for i := range 12 {
			results = append(results, g.start(t.Context(), fmt.Sprint(i)))
		}
		g.load(t, 2, 10)
		for done := range 12 {
			if got, want := len(g.started), min(done+2, 12); got != want {
				t.Errorf("after %d hashes: %d have begun, want %d", done, got, want)
			}
			g.leave <- struct{}{}
			synctest.Wait()
		}
		for _, result := range results {
			wantResult(t, result, nil)
		}
		for i := range 12 {
			if got, want := <-g.started, fmt.Sprint(i); i >= 2 && got != want {
				t.Errorf("hash %d: got that of caller %s, want callers served in order", i, got)
			}
		}
		g.load(t, 0, 0)
	})
}

func TestFullQueueIsBusyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 1})
		running, waiting := g.start(t.Context(), "a"), g.start(t.Context(), "b")
		begin := time.Now()
		hash := mustHash(t, newHasher(t, HasherConfig{Params: cheap()}), "c")
		_, hashErr := g.Hash(t.Context(), "c")
		_, _, verifyErr := g.Verify(t.Context(), hash, "c")
		noneErr := g.VerifyNone(t.Context(), "c")
		for call, err := range map[string]error{"Hash": hashErr, "Verify": verifyErr, "VerifyNone": noneErr} {
			if !errors.Is(err, ErrBusy) {
				t.Errorf("%s: got %v, want ErrBusy", call, err)
			}
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("waited %v, want none", waited)
		}
		close(g.leave)
		wantResult(t, running, nil)
		wantResult(t, waiting, nil)
	})
}

func TestLongWaitEndsBusyAndFreesThePlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 1})
		running := g.start(t.Context(), "a")
		begin := time.Now()
		wantResult(t, g.start(t.Context(), "b"), ErrBusy)
		if waited := time.Since(begin); waited != 2*time.Second {
			t.Errorf("waited %v, want 2s", waited)
		}
		g.load(t, 1, 0)
		next := g.start(t.Context(), "c")
		g.load(t, 1, 1)
		close(g.leave)
		wantResult(t, running, nil)
		wantResult(t, next, nil)
	})
}

func TestCancellationFreesThePlaceInTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := newGate(t, HasherConfig{Workers: 1, Queue: 1})
		running := g.start(t.Context(), "a")
		ctx, cancel := context.WithCancel(t.Context())
		gone := g.start(ctx, "b")
		g.load(t, 1, 1)
		cancel()
		wantResult(t, gone, context.Canceled)
		g.load(t, 1, 0)
		next := g.start(t.Context(), "c")
		close(g.leave)
		wantResult(t, running, nil)
		wantResult(t, next, nil)
		if first, second := <-g.started, <-g.started; first != "a" || second != "c" {
			t.Errorf("hashed: got %s and %s, want a and c", first, second)
		}
	})
}

func TestCallerWhoIsGoneCostsNoHash(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{Params: cheap()})
	h.derive = func([]byte, []byte, uint32, uint32, uint8, uint32) []byte {
		t.Error("hashed for a caller who is gone")
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestPanicFreesTheWorker(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{Workers: 1, Params: cheap()})
	derive := h.derive
	h.derive = func([]byte, []byte, uint32, uint32, uint8, uint32) []byte { panic("out of memory") }
	func() {
		defer func() { _ = recover() }()
		_, _ = h.Hash(t.Context(), "correct horse")
	}()
	h.derive = derive
	if got := h.Stats().Running; got != 0 {
		t.Errorf("running: got %d, want 0", got)
	}
	mustHash(t, h, "correct horse")
}
