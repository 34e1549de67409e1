package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// check reports every missing or invalid setting, each by the name of its variable. It
// opens no database and no listener, and calls nobody.
func (c serveCommand) check(env *environment) error {
	_, faults := c.config(nil)
	faults = append(faults, c.database.check(), checkAddress("ADDR", c.Addr), checkAddress("OPERATOR_ADDR", c.OperatorAddr), checkTraces())
	if sameAddress(c.Addr, c.OperatorAddr) {
		faults = append(faults, errors.New("OPERATOR_ADDR is the address of ADDR: it must have another port, such as :9090"))
	}
	if err := env.all(faults...); err != nil {
		return fmt.Errorf("the configuration is not right:\n%w", err)
	}
	return nil
}

// config returns the server's configuration without its store, and all faults.
func (c serveCommand) config(observe func(context.Context, stripeclient.Call)) (server.Config, []error) {
	config := server.Config{
		Issuer: c.TokenIssuer, Audience: c.TokenAudience,
		Amount: c.Amount, Currency: c.Currency,
		TrustedProxies: c.TrustedProxies, Origins: c.CORSOrigins,
		Throttle:          auth.ThrottleConfig{Accounts: c.LoginLimit, SignUps: c.SignUpLimit, Unconfirmed: c.UnpaidLimit, Declines: c.DeclineLimit},
		RequestLimit:      c.RequestLimit,
		ReconcileInterval: c.Reconcile,
		LogAddresses:      c.LogAddresses,
	}
	faults := []error{
		c.checkPrice(),
		named("TRUSTED_PROXIES", server.CheckTrustedProxies(c.TrustedProxies)),
		named("CORS_ORIGINS", server.CheckOrigins(c.CORSOrigins)),
	}
	keys, keysErr := c.keys()
	client, stripeErr := c.stripe(observe)
	webhook, webhookErr := c.webhook()
	faults = append(faults, keysErr, stripeErr, webhookErr)
	if flatten(faults) != nil {
		return config, faults
	}
	config.Keys, config.Webhook = keys, webhook
	config.Stripe, config.CheckKey = client, client.CheckKey
	// If nothing else is wrong, let server.New check the rest.
	trial := config
	trial.Store, trial.Stripe = noStore{}, noStripe{}
	_, err := server.New(trial)
	return config, append(faults, err)
}

// checkPrice reports an amount or a currency that Stripe always refuses.
func (c serveCommand) checkPrice() error {
	var faults []error
	if err := stripeclient.CheckCurrency(c.Currency); err != nil {
		faults = append(faults, fmt.Errorf("PAYMENT_CURRENCY %w", err))
	}
	if err := stripeclient.CheckAmount(c.Amount, c.Currency); err != nil {
		faults = append(faults, fmt.Errorf("PAYMENT_AMOUNT %w", err))
	}
	return errors.Join(faults...)
}

func (c serveCommand) keys() (*auth.KeySet, error) {
	if len(c.SigningKeys) == 0 {
		return nil, missingError{"SIGNING_KEYS", "set it to a PEM file with an RSA private key, made with: nestpayments key FILE"}
	}
	keys, err := auth.LoadKeys(c.SigningKeys...)
	return keys, named("SIGNING_KEYS", err)
}

func (c serveCommand) stripe(observe func(context.Context, stripeclient.Call)) (*stripeclient.Client, error) {
	// Check each setting beside valid ones, to name the faulty one.
	var faults []error
	_, badKey := stripeclient.New(stripeclient.Config{SecretKey: c.StripeKey})
	_, badURL := stripeclient.New(stripeclient.Config{SecretKey: "sk_test_x", BaseURL: c.StripeURL})
	switch {
	case c.StripeKey == "":
		faults = append(faults, missingError{"STRIPE_SECRET_KEY", "set it to the secret key of your Stripe account, sk_…"})
	case badKey != nil:
		faults = append(faults, errors.New("STRIPE_SECRET_KEY is not a Stripe secret key: it must be sk_ or rk_ followed by letters, digits and underscores only"))
	}
	if badURL != nil {
		faults = append(faults, errors.New("STRIPE_URL is not an http or https URL of a host alone: write it like http://127.0.0.1:12111, or leave it out for Stripe itself"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	client, err := stripeclient.New(stripeclient.Config{SecretKey: c.StripeKey, BaseURL: c.StripeURL, RatePerSecond: c.StripeRate, Observe: observe})
	if errors.Is(err, stripeclient.ErrLiveKeyOverHTTP) {
		return nil, errors.New("STRIPE_URL must begin with https:// for a live key")
	}
	return client, err
}

func (c serveCommand) webhook() (*stripeclient.Webhook, error) {
	if len(c.WebhookSecrets) == 0 {
		return nil, nil
	}
	var faults []error
	for i, secret := range c.WebhookSecrets {
		if _, err := stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: []string{secret}}); err != nil {
			faults = append(faults, fmt.Errorf("STRIPE_WEBHOOK_SECRETS: secret %d is not a webhook signing secret: it must be whsec_ followed by letters, digits and _+/=- only", i+1))
		}
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: c.WebhookSecrets})
}

// checkTraces reports what OpenTelemetry refuses of its own variables.
func checkTraces() error {
	if !wantsTraces(os.Getenv) {
		return nil
	}
	provider, err := newTracerProvider(context.Background())
	if err != nil {
		return named("OTEL_…", err)
	}
	return provider.Shutdown(context.Background())
}

// warnings lists settings that are valid but probably unintended.
func (c serveCommand) warnings(env *environment) (all []string) {
	if least := stripeclient.MinimumAmount(c.Currency); c.Amount < least {
		all = append(all, fmt.Sprintf("PAYMENT_AMOUNT is %d, below the minimum that Stripe documents for %s, %d: Stripe may refuse every payment", c.Amount, c.Currency, least))
	}
	if len(c.WebhookSecrets) == 0 {
		all = append(all, "STRIPE_WEBHOOK_SECRETS is not set: payments are updated by the reconciler only")
	}
	files := append(append(c.files(), env.files...), traceFiles(os.Getenv)...)
	return append(append(all, exposed(files...)...), replaceable(files...)...)
}

// noStore and noStripe stand for the database and for Stripe where the
// configuration is only checked.
type (
	noStore  struct{ store.Store }
	noStripe struct{ payments.Stripe }
)
