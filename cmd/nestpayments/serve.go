package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// serveCommand serves the API.
type serveCommand struct {
	database
	Addr           string        `env:"ADDR" default:":8080" help:"Where to listen."`
	SigningKeys    []string      `env:"SIGNING_KEYS" sep:"," placeholder:"FILE,…" help:"PEM files with RSA keys. The first signs access tokens, all verify them. Required."`
	TokenIssuer    string        `env:"TOKEN_ISSUER" default:"nest-payments" help:"The issuer (iss) of access tokens."`
	TokenAudience  string        `env:"TOKEN_AUDIENCE" default:"nest-payments" help:"The audience (aud) of access tokens."`
	StripeKey      string        `name:"stripe-secret-key" env:"STRIPE_SECRET_KEY" placeholder:"KEY" help:"The secret key of the Stripe account. Required."`
	StripeURL      string        `env:"STRIPE_URL" placeholder:"URL" help:"Where Stripe is, for a sandbox. Default: Stripe itself."`
	StripeRate     float64       `env:"STRIPE_RATE" default:"20" help:"The most requests a second to Stripe. A default account allows 25 for each endpoint."`
	WebhookSecrets []string      `name:"stripe-webhook-secrets" env:"STRIPE_WEBHOOK_SECRETS" sep:"," placeholder:"SECRET,…" help:"The signing secrets of the Stripe webhook endpoint, the old and the new one while it is rolled. Without one there is no webhook, and payments follow Stripe by the reconciler alone."`
	Amount         int64         `env:"PAYMENT_AMOUNT" default:"2000" help:"The amount of a new payment, in the smallest unit of the currency."`
	Currency       string        `env:"PAYMENT_CURRENCY" default:"usd" help:"The currency of a new payment."`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" sep:"," placeholder:"CIDR,…" help:"The networks of the proxies in front of the server, such as 10.0.0.0/8, whose X-Forwarded-For header is believed. Without one the address of a client is that of its connection, so behind a proxy all clients share the limits of one address."`
	CORSOrigins    []string      `name:"cors-origins" env:"CORS_ORIGINS" sep:"," placeholder:"ORIGIN,…" help:"The web origins, such as https://shop.example.com, whose pages may call the API from a browser. Default: none."`
	LoginLimit     int           `env:"LOGIN_LIMIT" default:"30" help:"The number of accounts that one address may fail to log in to in 15 minutes. Raise it where many people share an address."`
	SignUpLimit    int           `env:"SIGN_UP_LIMIT" default:"30" help:"The number of users that one address may register in an hour, and that one caller may create."`
	Reconcile      time.Duration `name:"reconcile-interval" env:"RECONCILE_INTERVAL" default:"15s" help:"The pause between rounds of the reconciler."`
	Notice         time.Duration `name:"shutdown-notice" env:"SHUTDOWN_NOTICE" default:"5s" help:"For how long the server goes on when it is told to stop, while readiness already says no."`
	MetricsAddr    string        `env:"METRICS_ADDR" placeholder:"ADDR" help:"Where to answer GET /metrics for Prometheus. Not for clients. Default: nowhere."`
	LogLevel       slog.Level    `env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// Run serves until ctx ends.
func (c serveCommand) Run(ctx context.Context, out output) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: c.LogLevel}))
	keys, err1 := auth.LoadKeys(c.SigningKeys...)
	stripe, err2 := stripeclient.New(stripeclient.Config{SecretKey: c.StripeKey, BaseURL: c.StripeURL, RatePerSecond: c.StripeRate})
	webhook, err3 := c.webhook()
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	registry := newRegistry()
	srv, err := server.New(server.Config{
		Store: db, Stripe: stripe, Webhook: webhook, Keys: keys,
		Issuer: c.TokenIssuer, Audience: c.TokenAudience,
		Amount: c.Amount, Currency: c.Currency,
		TrustedProxies: c.TrustedProxies, Origins: c.CORSOrigins,
		Throttle:          auth.ThrottleConfig{Accounts: c.LoginLimit, SignUps: c.SignUpLimit},
		ReconcileInterval: c.Reconcile, Logger: log, Metrics: registry,
	})
	if err != nil {
		return err
	}
	stopMetrics, err := serveMetrics(c.MetricsAddr, registry, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopMetrics()) }()
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Addr, err)
	}
	if webhook == nil {
		log.Warn("no webhook: STRIPE_WEBHOOK_SECRETS is not set, payments follow Stripe by the reconciler alone")
	}
	log.Info("serving", slog.String("addr", ln.Addr().String()))
	err = srv.Serve(ctx, ln, server.Lifetimes{Notice: c.Notice})
	log.Info("stopped")
	return err
}

// check names everything that is missing or wrong, at once.
func (c serveCommand) check() error {
	faults := []error{c.database.check()}
	if len(c.SigningKeys) == 0 {
		faults = append(faults, errors.New("SIGNING_KEYS is missing: set it to a PEM file with an RSA private key, made with: nestpayments key FILE"))
	}
	if c.StripeKey == "" {
		faults = append(faults, errors.New("STRIPE_SECRET_KEY is missing: set it to the secret key of your Stripe account, sk_…"))
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("the configuration is not complete:\n%w", err)
	}
	return nil
}

func (c serveCommand) webhook() (*stripeclient.Webhook, error) {
	if len(c.WebhookSecrets) == 0 {
		return nil, nil
	}
	return stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: c.WebhookSecrets})
}
