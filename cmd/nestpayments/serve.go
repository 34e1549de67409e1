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
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// serveCommand serves the API.
type serveCommand struct {
	database
	Addr           string        `env:"ADDR" default:":8080" help:"Where to listen."`
	SigningKeys    []string      `env:"SIGNING_KEYS" sep:"," placeholder:"FILE,…" help:"PEM files with RSA keys. The first signs access tokens, all verify them. Required."`
	TokenIssuer    string        `env:"TOKEN_ISSUER" default:"nest-payments" help:"The issuer (iss) of access tokens."`
	TokenAudience  string        `env:"TOKEN_AUDIENCE" default:"nest-payments" help:"The audience (aud) of access tokens."`
	StripeKey      string        `name:"stripe-secret-key" env:"STRIPE_SECRET_KEY" secret:"" placeholder:"KEY" help:"The secret key of the Stripe account. Required."`
	StripeURL      string        `env:"STRIPE_URL" placeholder:"URL" help:"Where Stripe is, for a sandbox. Default: Stripe itself."`
	StripeRate     float64       `env:"STRIPE_RATE" default:"20" help:"The most requests a second to Stripe. A default account allows 25 for each endpoint."`
	WebhookSecrets []string      `name:"stripe-webhook-secrets" env:"STRIPE_WEBHOOK_SECRETS" secret:"" sep:"," placeholder:"SECRET,…" help:"The signing secrets of the Stripe webhook endpoint, the old and the new one while it is rolled. Without one there is no webhook, and payments follow Stripe by the reconciler alone."`
	Amount         int64         `env:"PAYMENT_AMOUNT" default:"2000" help:"The amount of a new payment, in the smallest unit of the currency."`
	Currency       string        `env:"PAYMENT_CURRENCY" default:"usd" help:"The currency of a new payment."`
	TrustedProxies []string      `env:"TRUSTED_PROXIES" sep:"," placeholder:"CIDR,…" help:"The networks of the proxies in front of the server, such as 10.0.0.0/8, whose X-Forwarded-For header is believed. Without one the address of a client is that of its connection, so behind a proxy all clients share the limits of one address."`
	CORSOrigins    []string      `name:"cors-origins" env:"CORS_ORIGINS" sep:"," placeholder:"ORIGIN,…" help:"The web origins, such as https://shop.example.com, whose pages may call the API from a browser. Default: none."`
	RequestLimit   int           `env:"REQUEST_LIMIT" default:"1200" help:"The number of requests that one caller may send in a minute: a user, or an address without a token. Each replica counts for itself."`
	LoginLimit     int           `env:"LOGIN_LIMIT" default:"30" help:"The number of accounts that one address may fail to log in to in 15 minutes. Raise it where many people share an address."`
	SignUpLimit    int           `env:"SIGN_UP_LIMIT" default:"30" help:"The number of users that one address may register in an hour, and that one caller may create."`
	Reconcile      time.Duration `name:"reconcile-interval" env:"RECONCILE_INTERVAL" default:"15s" help:"The pause between rounds of the reconciler."`
	Notice         time.Duration `name:"shutdown-notice" env:"SHUTDOWN_NOTICE" default:"5s" help:"For how long the server goes on when it is told to stop, while readiness already says no."`
	OperatorAddr   string        `env:"OPERATOR_ADDR" placeholder:"ADDR" help:"Where to answer GET /metrics for Prometheus, and profiles below /debug/pprof/. Not for clients. Default: nowhere."`
	LogLevel       slog.Level    `env:"LOG_LEVEL" default:"info" help:"debug, info, warn or error."`
}

// Run serves until ctx ends.
func (c serveCommand) Run(ctx context.Context, env *environment, out output) (err error) {
	if err := c.check(env); err != nil {
		return err
	}
	log, flushLog := newLog(out, c.LogLevel)
	defer flushLog()
	registry := newRegistry()
	measured, flush, err := newTelemetry(ctx, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush()) }()
	config, err := c.config(measured.StripeCall)
	if err != nil {
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
			config.Store, config.Logger, config.Telemetry = db, log, measured
			return server.New(config)
		},
		Serving: func() {
			if config.Webhook == nil {
				log.Warn("no webhook: STRIPE_WEBHOOK_SECRETS is not set, payments follow Stripe by the reconciler alone")
			}
			log.Info("serving", addr)
		},
		Log:       log,
		Lifetimes: server.Lifetimes{Notice: c.Notice},
	}.Serve(ctx, ln)
	log.Info("stopped")
	return err
}

// config is the server but for its store. It returns all that is wrong with it.
func (c serveCommand) config(observe func(context.Context, stripeclient.Call)) (server.Config, error) {
	config := server.Config{
		Issuer: c.TokenIssuer, Audience: c.TokenAudience,
		Amount: c.Amount, Currency: c.Currency,
		TrustedProxies: c.TrustedProxies, Origins: c.CORSOrigins,
		Throttle:          auth.ThrottleConfig{Accounts: c.LoginLimit, SignUps: c.SignUpLimit},
		RequestLimit:      c.RequestLimit,
		ReconcileInterval: c.Reconcile,
	}
	var faults []error
	fault := func(err error) { faults = append(faults, err) }
	var err error
	if len(c.SigningKeys) == 0 {
		fault(errors.New("SIGNING_KEYS is missing: set it to a PEM file with an RSA private key, made with: nestpayments key FILE"))
	} else if config.Keys, err = auth.LoadKeys(c.SigningKeys...); err != nil {
		fault(err)
	}
	if c.StripeKey == "" {
		fault(errors.New("STRIPE_SECRET_KEY is missing: set it to the secret key of your Stripe account, sk_…"))
	} else if config.Stripe, err = stripeclient.New(stripeclient.Config{
		SecretKey: c.StripeKey, BaseURL: c.StripeURL, RatePerSecond: c.StripeRate, Observe: observe,
	}); err != nil {
		fault(err)
	}
	if len(c.WebhookSecrets) > 0 {
		config.Webhook, err = stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: c.WebhookSecrets})
		fault(err)
	}
	return config, errors.Join(faults...)
}

// check names everything that is missing or wrong, at once. It makes the server to
// see, with stand-ins for what there is not, but opens nothing and listens nowhere.
func (c serveCommand) check(env *environment) error {
	config, err := c.config(nil)
	config.Store, config.Stripe = unopened{}, uncalled{}
	if config.Keys == nil {
		config.Keys = &auth.KeySet{}
	}
	_, refused := server.New(config)
	if err := errors.Join(errors.Join(env.faults...), c.database.check(), err, refused); err != nil {
		return fmt.Errorf("the configuration is not right:\n%w", err)
	}
	return nil
}

// unopened and uncalled stand for the database and for Stripe where the
// configuration is only checked.
type (
	unopened struct{ store.Store }
	uncalled struct{ payments.Stripe }
)
