// Command nestdev is the whole system on one machine: the server of nestpayments
// with its database in a file, and a Stripe sandbox in the place of Stripe. It
// needs nothing else, keeps everything in one folder, and listens on loopback
// alone.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, message(err))
		os.Exit(1)
	}
}

// message is what the program prints about an error, which may quote a secret in the wrong
// flag.
func message(err error) string { return "nestdev: " + telemetry.Redact(err.Error()) }

// run starts the system and serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	var o options
	exited := false
	parser, err := kong.New(&o,
		kong.Name("nestdev"),
		kong.Description("The whole of Nest Payments on one machine, with a Stripe sandbox."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { exited = true }),
	)
	if err != nil {
		return err
	}
	_, err = parser.Parse(args)
	if exited || err != nil { // --help has been printed
		return err
	}
	return serve(ctx, o, stdout)
}
