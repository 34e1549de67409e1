// Command stripesandbox serves the Stripe emulator of stripeclient/sandbox on
// the loopback interface.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, message(err))
		os.Exit(1)
	}
}

// options are the flags, their environment variables and their help.
type options struct {
	Addr          string   `default:"127.0.0.1:12111" env:"STRIPESANDBOX_ADDR" help:"Loopback address to listen on; port 0 picks a free one."`
	State         string   `placeholder:"FILE" env:"STRIPESANDBOX_STATE" help:"File that keeps the state. Default: in memory only."`
	WebhookURL    string   `placeholder:"URL" env:"STRIPESANDBOX_WEBHOOK_URL" help:"Where to send events. Default: nowhere."`
	WebhookSecret string   `placeholder:"SECRET" env:"STRIPESANDBOX_WEBHOOK_SECRET" help:"Secret that signs the webhooks. Better given by its variable: flags show in process lists."`
	SecretKey     []string `placeholder:"KEY" env:"STRIPESANDBOX_SECRET_KEY" help:"Secret keys to accept. Default: a random one, which is printed, and kept in the state file."`
	SecretKeyFile string   `placeholder:"FILE" env:"STRIPESANDBOX_SECRET_KEY_FILE" help:"File with one more secret key to accept."`
	ConfirmLimit  int      `default:"0" env:"STRIPESANDBOX_CONFIRM_LIMIT" help:"How often a payment intent can be confirmed; the next confirmation cancels it. 0 means without a limit."`
	Seed          uint64   `default:"0" env:"STRIPESANDBOX_SEED" help:"Makes faults with a probability strike in the same places again."`
	Verbose       bool     `short:"v" help:"Log every call, not just what is not emulated."`
}

// shutdownTimeout is how long calls under way may take after the signal. A
// browser opens connections before it needs them: net/http waits 5s for their
// first request, which must not look like a call that hangs.
const shutdownTimeout = 8 * time.Second

// message is what the program prints about an error, which may quote a secret in the wrong
// flag.
func message(err error) string { return "stripesandbox: " + telemetry.Redact(err.Error()) }

// run serves until the context ends. Help is no error.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	helped := false
	parser, err := kong.New(&o, kong.Name("stripesandbox"), kong.Writers(stdout, stderr),
		kong.Description("A stateful Stripe emulator, API version "+sandbox.APIVersion+"."),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		return err
	}
	if _, err := parser.Parse(args); helped {
		return nil
	} else if err != nil {
		return err
	}
	// The listener comes before the state: a second program at the same
	// address must not touch the state of the first.
	listener, err := listen(ctx, o.Addr)
	if err != nil {
		return err
	}
	defer listener.Close()
	level := slog.LevelWarn
	if o.Verbose {
		level = slog.LevelDebug
	}
	keys, err := o.secretKeys()
	if err != nil {
		return err
	}
	s, err := sandbox.New(sandbox.Config{
		SecretKeys:    keys,
		StatePath:     o.State,
		WebhookURL:    o.WebhookURL,
		WebhookSecret: o.WebhookSecret,
		ConfirmLimit:  o.ConfirmLimit,
		Seed:          o.Seed,
		Logger:        slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	key := s.SecretKey()
	if len(keys) > 0 {
		key = "YOUR_SECRET_KEY" // the operator chose it and knows it
	}
	announce(stdout, "http://"+listener.Addr().String(), key)
	return errors.Join(serve(ctx, listener, s), s.Close())
}

// secretKeys returns the keys of the flags, none for a random one.
func (o options) secretKeys() ([]string, error) {
	if o.SecretKeyFile == "" {
		return o.SecretKey, nil
	}
	text, err := os.ReadFile(o.SecretKeyFile)
	if err != nil {
		return nil, fmt.Errorf("secret key file: %w", err)
	}
	return append(o.SecretKey, strings.TrimSpace(string(text))), nil
}

// errNotLoopback: the control API takes no key, so nobody else may reach it.
var errNotLoopback = errors.New("not a loopback address")

// listen refuses addresses that other machines can reach.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	resolved, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if !resolved.IP.IsLoopback() {
		return nil, fmt.Errorf("address %s: %w", addr, errNotLoopback)
	}
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", resolved.String())
}

// serve answers until the context ends, and then lets calls under way finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		// Pages that follow what happens would never finish by themselves.
		BaseContext: func(net.Listener) context.Context { return ctx }}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return errors.Join(fmt.Errorf("shut down: %w", err), server.Close())
	}
	return nil
}

func announce(w io.Writer, url, key string) {
	fmt.Fprintf(w, `Stripe sandbox at %[1]s

Open it in a browser to see what happens. Point stripe-go at it:

    backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
        URL: stripe.String("%[1]s"),
    })
    api := client.New("%[2]s", &stripe.Backends{API: backend})

Every charge: curl %[1]s/_sandbox/journal
`, url, key)
}
