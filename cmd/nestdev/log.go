package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// newLog writes one short line per event, in color on a terminal. A request is
// "POST /payment/confirm 402 payment_declined 35ms": what a developer watches for.
// The production server logs the same events in full, as JSON.
func newLog(out io.Writer, level slog.Level) *slog.Logger {
	f, ok := out.(*os.File)
	color := ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" // #nosec G115 -- a file descriptor
	return slog.New(requestLines{tint.NewTextHandler(out, &tint.Options{Level: level, TimeFormat: time.TimeOnly, NoColor: !color})})
}

// requestLines shortens the server's request events and passes on all others.
type requestLines struct{ slog.Handler }

// Handle implements slog.Handler.
func (h requestLines) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != "request" {
		return h.Handler.Handle(ctx, r)
	}
	attrs := map[string]slog.Value{}
	r.Attrs(func(a slog.Attr) bool { attrs[a.Key] = a.Value; return true })
	line := slog.NewRecord(r.Time, r.Level, requestLine(attrs), r.PC)
	if e, ok := attrs["error"]; ok {
		line.AddAttrs(slog.String("requestId", attrs["requestId"].String()), slog.String("error", e.String()))
	}
	return h.Handler.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (h requestLines) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestLines{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h requestLines) WithGroup(name string) slog.Handler {
	return requestLines{h.Handler.WithGroup(name)}
}

func requestLine(attrs map[string]slog.Value) string {
	words := []string{attrs["method"].String(), attrs["route"].String(), attrs["status"].String()}
	if code, ok := attrs["code"]; ok {
		words = append(words, code.String())
	}
	words = append(words, fmt.Sprintf("%.0fms", attrs["durationMs"].Float64()))
	for _, calls := range []struct{ key, unit string }{{"storeCalls", "db"}, {"stripeCalls", "stripe"}} {
		if n, ok := attrs[calls.key]; ok && n.Int64() > 0 {
			words = append(words, fmt.Sprintf("%d×%s", n.Int64(), calls.unit))
		}
	}
	return strings.Join(words, " ")
}
