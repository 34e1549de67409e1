// Command nestpayments is the production server of Nest Payments, and its admin
// commands. Everything that it needs is named by flags or the environment: it
// never falls back to something embedded.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

// program is the command line. The environment variable of a flag does the same
// as the flag, and keeps secrets out of the process list.
type program struct {
	Serve   serveCommand   `cmd:"" default:"" help:"Serve the API. This is the default command."`
	Config  configCommand  `cmd:"" help:"Print the configuration of serve, secrets masked, and what is wrong with it."`
	Admin   adminCommand   `cmd:"" help:"Make and list admins, back the database up, and copy it to another."`
	Key     keyCommand     `cmd:"" help:"Make a key that signs access tokens."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// output is where a command writes.
type output struct{ io.Writer }

func main() {
	collectGarbage()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nestpayments:", err)
		os.Exit(1)
	}
}

// run does what the arguments ask for, until it is done or ctx ends. Neither an error nor
// a panic leaves it with a secret in its text.

func run(ctx context.Context, args []string, stdout io.Writer) error {
	return guarded(func() error {
		c, args := commandLine().named(args)
		return c.run(ctx, args, output{stdout})
	})
}

func guarded(work func() error) error {
	defer func() {
		if cause := recover(); cause != nil {
			panic(telemetry.Redact(fmt.Sprint(cause)))
		}
	}()
	if err := work(); err != nil {
		return redactedError{err}
	}
	return nil
}

// redactedError is an error whose text may quote what an operator has written.
type redactedError struct{ error }

func (e redactedError) Error() string { return telemetry.Redact(e.error.Error()) }
func (e redactedError) Unwrap() error { return e.error }

func commandLine() *command {
	return describe("nestpayments", "An OpenAPI-first payments API over Stripe.", &program{})
}
