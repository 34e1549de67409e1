package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/store"
)

// serveCommand serves the API.
type serveCommand struct {
	database
	Addr           string        `env:"ADDR" default:":8080" help:"Where to listen."`
	SigningKeys    []string      `env:"SIGNING_KEYS" secret:"unless file" placeholder:"FILE,…" help:"PEM files with RSA keys, or the PEM texts themselves. The first signs access tokens, all verify them. Required."`
	TokenIssuer    string        `env:"TOKEN_ISSUER" default:"nest-payments" help:"The issuer (iss) of access tokens."`
	TokenAudience  string        `env:"TOKEN_AUDIENCE" default:"nest-payments" help:"The audience (aud) of access tokens."`
	StripeKey      string        `name:"stripe-secret-key" env:"STRIPE_SECRET_KEY" secret:"" placeholder:"KEY" help:"The secret key of the Stripe account. Required."`
	StripeURL      string        `env:"STRIPE_URL" placeholder:"URL" help:"Where Stripe is, for a sandbox. Default: Stripe itself."`
	StripeRate     float64       `env:"STRIPE_RATE" default:"20" min:"0.1" max:"100000" help:"The most requests a second to Stripe. A default account allows 25 for each endpoint."`
	WebhookSecrets []string      `name:"stripe-webhook-secrets" env:"STRIPE_WEBHOOK_SECRETS" secret:"" sep:"blank" placeholder:"SECRET,…" help:"The signing secrets of the Stripe webhook endpoint, the old and the new one while it is rolled. Without one there is no webhook, and payments are updated by the reconciler only."`
	Amount         int64         `env:"PAYMENT_AMOUNT" default:"2000" min:"1" unit:"whole cents, or the smallest unit of the currency" help:"The amount of a new payment, in the smallest unit of the currency."`
	Currency       string        `env:"PAYMENT_CURRENCY" default:"usd" help:"The currency of a new payment."`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" placeholder:"CIDR,…" help:"The networks of the proxies in front of the server, such as 10.0.0.0/8, whose X-Forwarded-For header is believed. Without one the address of a client is that of its connection, so behind a proxy all clients share the limits of one address."`
	CORSOrigins    []string      `name:"cors-origins" env:"CORS_ORIGINS" placeholder:"ORIGIN,…" help:"The web origins, such as https://shop.example.com, whose pages may call the API from a browser. Default: none."`
	RequestLimit   int           `env:"REQUEST_LIMIT" default:"1200" min:"1" max:"1000000000" help:"The number of requests that one caller may send in a minute: a user, or an address without a token. Each replica counts for itself."`
	LoginLimit     int           `env:"LOGIN_LIMIT" default:"30" min:"1" max:"1000" help:"The number of accounts that one address may fail to log in to in 15 minutes, and a tenth of the times that it may log in to one account. Raise it where many people share an address."`
	SignUpLimit    int           `env:"SIGN_UP_LIMIT" default:"30" min:"1" max:"1000000000" help:"The number of email addresses that one network address (an IPv6 /48 is one) may claim in a clock hour (UTC), by sign-ups and changes, and that one registered user may claim together with all users created from it, directly or not."`
	UnpaidLimit    int           `name:"unconfirmed-limit" env:"UNCONFIRMED_LIMIT" default:"50" min:"1" max:"1000000000" help:"The number of payments that one user may create in a clock hour (UTC) without confirming them."`
	DeclineLimit   int           `env:"DECLINE_LIMIT" default:"10" min:"1" max:"100000000" help:"The number of declines that one user may have in a clock hour (UTC). One payment may have half as many. After five times as many from one address (an IPv6 /48 is one), users who have been declined are refused there. Clients learn the reasons of the first third."`
	Reconcile      time.Duration `name:"reconcile-interval" env:"RECONCILE_INTERVAL" default:"15s" min:"1ms" help:"The pause between rounds of the reconciler."`
	Notice         time.Duration `name:"shutdown-notice" env:"SHUTDOWN_NOTICE" default:"5s" min:"0s" help:"For how long the server goes on when it is told to stop, while readiness already says no."`
	OperatorAddr   string        `env:"OPERATOR_ADDR" placeholder:"ADDR" help:"Where to answer GET /metrics for Prometheus, and profiles below /debug/pprof/. Not for clients. Default: nowhere."`
	LogAddresses   bool          `env:"LOG_ADDRESSES" help:"Log the address of the client with each request. It is personal data: say so in your privacy notice, and delete the log in time."`
	LogLevel       slog.Level    `env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// Run serves until ctx ends.
func (c serveCommand) Run(ctx context.Context, env *environment, out output) (err error) {
	log, flushLog := newLog(out, c.LogLevel)
	defer flushLog()
	reportTraceFaults(func(fault string) { log.Warn("OpenTelemetry reports a fault", slog.String("error", fault)) })
	if err := c.check(env); err != nil {
		return err
	}
	version := readBuild()
	log.Info("starting", slog.String("version", version.version), slog.String("commit", version.commit), slog.String("go", version.toolchain))
	registry := newRegistry()
	measured, flush, err := newTelemetry(ctx, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush()) }()
	config, faults := c.config(measured.StripeCall)
	if err := errors.Join(faults...); err != nil {
		return err
	}
	stopOperator, err := serveOperator(c.OperatorAddr, registry, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopOperator()) }()
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Addr, err)
	}
	addr := slog.String("addr", ln.Addr().String())
	log.Info("listening, and opening the database", addr)
	var db store.Store
	defer func() {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	err = server.Startup{
		Open: func(ctx context.Context) (_ *server.Server, err error) {
			if db, err = c.await(ctx, log); err != nil {
				return nil, err
			}
			warnOfKnownPasswords(ctx, db, log)
			// The database is open, so its files are all there.
			for _, warning := range c.warnings(env) {
				log.Warn(warning)
			}
			config.Store, config.Logger, config.Telemetry = db, log, measured
			return server.New(config)
		},
		Serving:   func() { log.Info("serving", addr) },
		Log:       log,
		Lifetimes: server.Lifetimes{Notice: c.Notice},
	}.Serve(ctx, ln)
	log.Info("stopped")
	return err
}
