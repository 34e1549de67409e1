package main

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

const (
	// logDelay is how long an event may wait to be written, and so how much of the
	// log is lost when the process is killed.
	logDelay = 100 * time.Millisecond
	// logBytes is how many bytes of events wait at most.
	logBytes = 32 << 10
)

// newLog writes events as lines of JSON. What is no more than information is written
// some lines at a time, as a write for each costs as much as the query that it is
// about; warnings and errors are written at once, and all that waits before them. flush
// writes what waits.
func newLog(out io.Writer, level slog.Leveler) (log *slog.Logger, flush func()) {
	b := &logBuffer{out: out}
	return slog.New(logHandler{slog.NewJSONHandler(b, &slog.HandlerOptions{Level: level, ReplaceAttr: withoutSecrets}), b}), b.flush
}

// withoutSecrets masks what looks like a secret in the message and in every attribute.
func withoutSecrets(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case string:
		a.Value = slog.StringValue(telemetry.Redact(v))
	case error:
		a.Value = slog.StringValue(telemetry.Redact(v.Error()))
	}
	return a
}

// logHandler flushes behind every event that should not wait.
type logHandler struct {
	slog.Handler
	buffer *logBuffer
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	err := h.Handler.Handle(ctx, r)
	if r.Level >= slog.LevelWarn {
		h.buffer.flush()
	}
	return err
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.Handler.WithAttrs(attrs), h.buffer}
}

func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.Handler.WithGroup(name), h.buffer}
}

// logBuffer holds whole lines back for logDelay. It is safe for concurrent use.
type logBuffer struct {
	out io.Writer

	mu    sync.Mutex
	lines []byte
	// due reports whether a flush is scheduled.
	due bool
}

func (b *logBuffer) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.lines)+len(line) > logBytes {
		b.write()
	}
	b.lines = append(b.lines, line...)
	if !b.due {
		b.due = true
		time.AfterFunc(logDelay, b.flush)
	}
	return len(line), nil
}

func (b *logBuffer) flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.due = false
	b.write()
}

// write writes what waits. A failure is dropped: there is no other place to report it.
func (b *logBuffer) write() {
	if len(b.lines) > 0 {
		_, _ = b.out.Write(b.lines)
		b.lines = b.lines[:0]
	}
}
