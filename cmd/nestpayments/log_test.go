package main

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// writes keeps what each write has written. It is safe for concurrent use.
type writes struct {
	mu  sync.Mutex
	all []string
}

func (w *writes) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = append(w.all, string(b))
	return len(b), nil
}

func (w *writes) sofar() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

func TestEventsAreWrittenTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out writes
		log, _ := newLog(&out, slog.LevelInfo)
		for range 3 {
			log.Info("request")
		}
		time.Sleep(logDelay - time.Nanosecond)
		synctest.Wait()
		if got := out.sofar(); len(got) != 0 {
			t.Errorf("written before the delay is over: %q", got)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := out.sofar(); len(got) != 1 || strings.Count(got[0], "\n") != 3 {
			t.Errorf("after the delay: %q, want one write of three lines", got)
		}
		log.Info("request")
		time.Sleep(logDelay)
		synctest.Wait()
		if got := out.sofar(); len(got) != 2 {
			t.Errorf("after another delay: %q, want a second write", got)
		}
	})
}

func TestWarningsAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	for _, level := range []slog.Level{slog.LevelWarn, slog.LevelError} {
		var out writes
		log, _ := newLog(&out, slog.LevelInfo)
		log = log.With("a", 1).WithGroup("g")
		log.Info("first")
		log.Log(t.Context(), level, "second", "b", 2)
		got := out.sofar()
		if len(got) != 1 || strings.Index(got[0], "first") > strings.Index(got[0], `"second","a":1,"g":{"b":2}`) {
			t.Errorf("%v: %q, want the warning, behind what was before it", level, got)
		}
	}
}

func TestALogThatFillsUpIsWrittenInWholeLines(t *testing.T) {
	t.Parallel()
	var out writes
	log, flush := newLog(&out, slog.LevelInfo)
	const events = 2000
	for range events {
		log.Info("request")
	}
	flush()
	flush()
	got := out.sofar()
	if len(got) < 2 {
		t.Errorf("%d writes, want more than one", len(got))
	}
	for _, w := range got {
		if len(w) > logBytes || !strings.HasSuffix(w, "\n") {
			t.Errorf("a write of %d bytes ends in %q, want %d at most and a whole line", len(w), w[len(w)-5:], logBytes)
		}
	}
	if n := strings.Count(strings.Join(got, ""), "\n"); n != events {
		t.Errorf("%d lines, want %d", n, events)
	}
}

func TestTheLevelOfTheLog(t *testing.T) {
	t.Parallel()
	var out writes
	log, flush := newLog(&out, slog.LevelWarn)
	log.Info("request")
	flush()
	if got := out.sofar(); len(got) != 0 {
		t.Errorf("got %q, want nothing below a warning", got)
	}
}
