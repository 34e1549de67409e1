package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/store/sqlite"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// options are the flags.
type options struct {
	Addr        string     `env:"ADDR" default:"127.0.0.1:8080" help:"Where the API listens, on loopback."`
	SandboxAddr string     `env:"SANDBOX_ADDR" default:"127.0.0.1:12111" help:"Where the Stripe sandbox listens, on loopback."`
	DataDir     string     `env:"DATA_DIR" default:".nestdev" help:"The folder that keeps everything. Delete it to start again from nothing."`
	LogLevel    slog.Level `env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// serve brings everything up, prints how to use it, and serves until ctx ends.
func serve(ctx context.Context, o options, stdout io.Writer) (err error) {
	api, err := listen(o.Addr, "--addr")
	if err != nil {
		return err
	}
	defer api.Close()
	stripe, err := listen(o.SandboxAddr, "--sandbox-addr")
	if err != nil {
		return err
	}
	defer stripe.Close()
	data, err := openFolder(o.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()

	log := newLog(stdout, o.LogLevel)
	if warning := folderWarning(o.DataDir); warning != "" {
		log.Warn(warning)
	}
	box, err := sandbox.New(sandbox.Config{
		StatePath:     filepath.Join(o.DataDir, "stripe-sandbox.jsonl"),
		WebhookURL:    "http://" + api.Addr().String() + "/webhook/stripe",
		WebhookSecret: data.WebhookSecret,
		Logger:        log,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, box.Close()) }()
	stripeServer := &http.Server{Handler: box, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = stripeServer.Serve(stripe) }()
	defer stripeServer.Close()

	db, err := sqlite.Open(ctx, filepath.Join(o.DataDir, "nestpayments.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	srv, err := newServer(o, data, db, stripeclient.Config{
		SecretKey: box.SecretKey(), BaseURL: "http://" + stripe.Addr().String(), RatePerSecond: 1000,
	}, log)
	if err != nil {
		return err
	}
	if err := ensureAdmin(ctx, srv, db, data); err != nil {
		return err
	}
	if err := printWelcome(stdout, api.Addr(), stripe.Addr(), box.SecretKey(), data); err != nil {
		return err
	}
	return srv.Serve(ctx, api, server.Lifetimes{})
}

// newServer is the production server on the embedded parts.
func newServer(o options, data *folder, db *sqlite.Store, stripeConfig stripeclient.Config, log *slog.Logger) (*server.Server, error) {
	watch, err := telemetry.New(telemetry.Config{})
	if err != nil {
		return nil, err
	}
	stripeConfig.Observe = watch.StripeCall
	keys, err1 := auth.LoadKeys(filepath.Join(o.DataDir, keyFile))
	stripe, err2 := stripeclient.New(stripeConfig)
	webhook, err3 := stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: []string{data.WebhookSecret}})
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	return server.New(server.Config{
		Store: db, Stripe: stripe, Webhook: webhook, Keys: keys, Logger: log, Telemetry: watch,
		Wrap: sandbox.LoopbackOnly, AllowOrigin: sandbox.LoopbackOrigin,
		// Everybody here is the same person.
		Throttle:     auth.ThrottleConfig{Accounts: 1000, SignUps: 1_000_000, Unconfirmed: 1_000_000, Declines: 1_000_000},
		RequestLimit: 1_000_000,
	})
}

// listen listens on a loopback address. Everything here keeps its keys and
// passwords in files and serves test data, so no other machine may reach it.
func listen(addr, flag string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: write HOST:PORT, such as 127.0.0.1:8080: %w", flag, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s: %s is not a loopback address: use 127.0.0.1; to serve others, run nestpayments", flag, host)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s: stop the program that does, or choose another address with %s or its variable: %w", addr, flag, err)
	}
	return ln, nil
}
