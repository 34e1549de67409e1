package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadtest:", telemetry.Redact(err.Error()))
		os.Exit(1)
	}
}

// run makes one run and prints what was measured, also when ctx ends before it.
// Progress goes to stderr. It returns an error too if the run was not what was
// asked for: wrong answers, dropped journeys, limits, an early end.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	exited := false
	parser, err := kong.New(&o,
		kong.Name("loadtest"),
		kong.Description(description),
		kong.Vars{"mix": defaultMix(), "journeys": strings.Join(journeyNames(), ", ")},
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if exited || err != nil { // --help has been printed
		return err
	}
	mix, err := o.check()
	if err != nil {
		return err
	}
	return drive(ctx, o, mix, newTransport(o), stdout, stderr)
}

// drive readies the known users, makes the load, and tells of it.
func drive(ctx context.Context, o options, mix mix, transport *transport, stdout, stderr io.Writer) error {
	api, err := transport.client(o.URL)
	if err != nil {
		return err
	}
	cast, err := newCast(o.UsersFile)
	if err != nil {
		return err
	}
	l := &load{
		rate: o.Rate, poisson: o.Arrivals == "poisson", seed: o.Seed, duration: o.Duration, drain: o.Drain,
		maxInFlight: o.MaxInFlight, timeout: o.Timeout, think: o.Think, mix: mix, api: api, cast: cast,
	}
	fmt.Fprintf(stderr, "making %d known users ready\n", o.Users)
	if err := l.prepare(ctx, o.Users); err != nil {
		return fmt.Errorf("make the known users ready: %w", err)
	}
	l.rec = newRecorder(o.Duration + o.Drain)
	live := startProgress(stderr, l.rec, o.Duration, o.MaxInFlight)
	l.run(ctx)
	live.stop()

	r := newReport(o, l.rec, ctx.Err() != nil)
	r.writeText(stdout)
	if o.JSON != "" {
		err = errors.Join(err, r.writeJSON(o.JSON))
	}
	if o.Plots != "" {
		err = errors.Join(err, writePlots(o.Plots, l.rec))
	}
	return errors.Join(err, r.verdict())
}

// sleepUntil waits for the time, or for ctx to end, and tells whether the time
// came.
func sleepUntil(ctx context.Context, t time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	wait := time.Until(t)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
