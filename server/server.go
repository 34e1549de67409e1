package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// Config is what a server is made of.
type Config struct {
	// Store keeps the users and payments. Required.
	Store store.Store
	// Stripe takes the payments. Required.
	Stripe payments.Stripe
	// Webhook verifies Stripe's signatures. nil means that there is no webhook
	// endpoint; payments then follow Stripe by the reconciler alone.
	Webhook *stripeclient.Webhook
	// Keys sign and verify access tokens. Required.
	Keys *auth.KeySet
	// Issuer and Audience are the iss and aud of access tokens. "" means
	// nest-payments for either.
	Issuer, Audience string
	// Amount and Currency are the price of a new payment. 0 and "" mean 2000
	// and usd.
	Amount   int64
	Currency string
	// Passwords is the load and cost of password hashing. The zero value is
	// the default.
	Passwords auth.HasherConfig
	// Throttle limits logins, sign-ups, unconfirmed payments and declines. The zero
	// value means the defaults.
	Throttle auth.ThrottleConfig
	// RequestLimit is how many requests one caller may send in a minute: a user,
	// or an address without a token, whatever path it asks for. 0 means 1200.
	RequestLimit int
	// TrustedProxies are the networks, in CIDR notation, of the proxies whose
	// X-Forwarded-For header is believed. Forwarded is not read. None means that a request comes from
	// the address of its connection, whatever it says.
	TrustedProxies []string
	// Origins are the web origins, such as https://shop.example.com, whose
	// pages may call the API from a browser (CORS). None means no page may but
	// those of the API's own origin.
	Origins []string
	// AllowOrigin reports further origins whose pages may call the API. It is for
	// development servers, where pages come from any port. nil means none.
	AllowOrigin func(origin string) bool
	// ReconcileInterval is the pause between rounds of the reconciler. Defaults to
	// 15 seconds; negative is a fault.
	ReconcileInterval time.Duration
	// Logger takes one event per request. nil means slog.Default().
	Logger *slog.Logger
	// LogAddresses adds the address of the client to the event of each request. It is
	// personal data.
	LogAddresses bool
	// CheckKey asks Stripe whether it accepts the key, as *stripeclient.Client does.
	// While it is refused the server is not ready. nil means that nobody asks.
	CheckKey func(context.Context) error
	// Telemetry takes what the server measures. The same one should observe
	// Stripe. nil means nobody looks.
	Telemetry *telemetry.Telemetry
	// Clock tells the time. nil means time.Now.
	Clock func() time.Time
	// Wrap adds a handler around the server that Serve runs, which sees every
	// request first. nil means none.
	Wrap func(http.Handler) http.Handler
}

// Server answers the API over HTTP.
type Server struct {
	echo       *echo.Echo
	handlers   *handlers
	store      store.Store
	payments   *payments.Service
	reconciler *payments.Reconciler
	tokens     *auth.Tokens
	// requests limits every caller, unsigned those who send the webhook what
	// Stripe has not signed.
	requests, unsigned *requestLimiter
	// bodies reads the bodies of operations, eventBodies those of the webhook.
	bodies, eventBodies *bodyReader
	webhook             *stripeclient.Webhook
	events              *prometheus.CounterVec
	telemetry           *telemetry.Telemetry
	// allowsOrigin is nil if no page of another origin may call the API.
	allowsOrigin func(origin string) bool
	log          *slog.Logger
	wrap         func(http.Handler) http.Handler
	draining     atomic.Bool
	// logAddresses is Config.LogAddresses.
	logAddresses bool
	key          keyState
}

// handlers implements the generated interface.
type handlers struct {
	store    store.Store
	payments *payments.Service
	tokens   *auth.Tokens
	hasher   *auth.Hasher
	throttle *auth.Throttle
	now      func() time.Time
}

var _ gen.StrictServerInterface = (*handlers)(nil)

// New checks the configuration, reports all its faults together, and builds the
// routes from the spec.
func New(c Config) (*Server, error) {
	if err := c.setDefaults(); err != nil {
		return nil, err
	}
	throttle, err4 := auth.NewThrottle(c.Store, c.Clock, c.Throttle)
	svc, err1 := payments.New(payments.Config{
		Store: c.Store, Stripe: c.Stripe, Amount: c.Amount, Currency: c.Currency, Limits: throttle, Clock: c.Clock, Logger: c.Logger,
	})
	tokens, err2 := auth.NewTokens(auth.TokenConfig{Keys: c.Keys, Issuer: c.Issuer, Audience: c.Audience, Clock: c.Clock})
	hasher, err3 := auth.NewHasher(c.Passwords)
	proxies, err5 := proxyExtractor(c.TrustedProxies, c.Logger)
	requests, err6 := newRequestLimiter(c.RequestLimit, c.Clock)
	var err7 error
	if c.ReconcileInterval < 0 {
		err7 = fmt.Errorf("ReconcileInterval is %s: it must be more than 0", c.ReconcileInterval)
	}
	if err := errors.Join(err7, err1, err2, err3, err4, about("TrustedProxies", err5), err6, about("Origins", CheckOrigins(c.Origins))); err != nil {
		return nil, err
	}
	spec, err := loadSpec(gen.OpenAPI)
	if err != nil {
		return nil, err
	}
	docs, err8 := newDocuments(gen.OpenAPI, c.Keys.JWKS())
	pages, err9 := newProblemPages()
	if err := errors.Join(err8, err9); err != nil {
		return nil, err
	}
	s := &Server{
		echo: echo.New(), store: c.Store, payments: svc, reconciler: payments.NewReconciler(svc, c.ReconcileInterval),
		tokens: tokens, requests: requests, unsigned: requests.times(unsignedFactor),
		bodies: newBodyReader(bodyLimit), eventBodies: newBodyReader(eventLimit), webhook: c.Webhook, events: newEventCounter(), telemetry: c.Telemetry, allowsOrigin: c.allowsOrigin(), log: c.Logger, wrap: c.Wrap,
		logAddresses: c.LogAddresses, key: keyState{ask: c.CheckKey},
	}
	s.echo.IPExtractor = proxies
	h := &handlers{
		store: c.Store, payments: svc, tokens: tokens, hasher: hasher, throttle: throttle,
		now: func() time.Time { return c.Clock().UTC().Truncate(time.Millisecond) },
	}
	s.handlers = h
	s.route(spec, append(docs, pages...))
	return s, s.exposeMetrics(hasher)
}

// allowsOrigin returns the rule that decides which pages may call the API, nil if
// none may.
func (c *Config) allowsOrigin() func(origin string) bool {
	if len(c.Origins) == 0 {
		return c.AllowOrigin
	}
	return func(origin string) bool {
		return slices.Contains(c.Origins, origin) || c.AllowOrigin != nil && c.AllowOrigin(origin)
	}
}

func (c *Config) setDefaults() (err error) {
	if c.Issuer == "" {
		c.Issuer = "nest-payments"
	}
	if c.Audience == "" {
		c.Audience = "nest-payments"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Wrap == nil {
		c.Wrap = func(h http.Handler) http.Handler { return h }
	}
	if c.Telemetry == nil {
		c.Telemetry, err = telemetry.New(telemetry.Config{})
	}
	if c.Store != nil {
		c.Store = c.Telemetry.Store(c.Store)
	}
	return err
}

// route builds the chain and every route.
func (s *Server) route(spec *openapi3.T, docs documents) {
	s.echo.HTTPErrorHandler = s.renderError
	s.useChain(spec)
	router := headRouter{s.echo}
	gen.RegisterHandlersWithOptions(router, gen.NewStrictHandler(s.handlers, nil),
		gen.RegisterHandlersOptions{OperationMiddlewares: s.operations(spec)})
	if s.webhook != nil {
		s.echo.POST(webhookPath, s.receiveEvent)
	}
	docs.register(router)
	registerDocs(router)
	router.GET("/", redirectBrowsers)
	s.registerHealth(router)
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.echo.ServeHTTP(w, normalized(r))
}

// Register creates a user as POST /user/register does, for programs that ready a
// system. It is not throttled, and returns what else that operation would fail
// with.
func (s *Server) Register(ctx context.Context, name, email, password string) (*store.User, error) {
	u, err := draftUser(&gen.CreateUserDto{UserName: name, Email: email, Password: password})
	if err != nil {
		return nil, err
	}
	return u, s.handlers.insert(ctx, u, password, nil)
}
