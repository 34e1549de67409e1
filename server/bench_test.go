package server_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// BenchmarkOperations measures every operation through the whole chain, in the ways
// that cost differently, without a socket between client and server. Stripe is the
// sandbox in the same process, over loopback: its time and memory are in the
// figures of payments.
//
// queries/op are calls to the store, store-writes/op those of them that change
// something, and stripe-calls/op HTTP requests to Stripe.
func BenchmarkOperations(b *testing.B) {
	s := startMeasured(b)
	for _, c := range s.scenarios() {
		b.Run(c.name(), func(b *testing.B) {
			b.ReportAllocs()
			before := s.work()
			each(b, func() (func() error, error) {
				w, r := server.NewSink(), c.ready()
				return func() error { return s.send(c, w, r) }, nil
			})
			done := s.work().less(before)
			b.ReportMetric(float64(done.queries)/float64(b.N), "queries/op")
			b.ReportMetric(float64(done.writes)/float64(b.N), "store-writes/op")
			b.ReportMetric(float64(done.stripe)/float64(b.N), "stripe-calls/op")
		})
	}
}

// BenchmarkLayers measures the parts of every operation by themselves, as
// server.Layer has them, on the request that BenchmarkOperations sends.
func BenchmarkLayers(b *testing.B) {
	s := startMeasured(b)
	for _, c := range s.scenarios() {
		if c.variant != "" {
			continue
		}
		layers, err := s.server.Layers(c.operation)
		if err != nil {
			b.Fatal(err)
		}
		for _, layer := range layers {
			b.Run(c.operation+"/"+layer.Name, func(b *testing.B) {
				b.ReportAllocs()
				next, err := layer.Ready(c.ready)
				if err != nil {
					b.Fatal(err)
				}
				each(b, next)
			})
		}
	}
}

// each measures what next returns, a new one every time. The timer stands still while
// they are made, in batches that grow: to stop it costs more than most of them.
func each(b *testing.B, next func() (run func() error, err error)) {
	b.Helper()
	var runs []func() error
	for i, batch := 0, 1; b.Loop(); i++ {
		if i == len(runs) {
			b.StopTimer()
			i, runs, batch = 0, runs[:0], min(2*batch, 1024)
			for range batch {
				run, err := next()
				if err != nil {
					b.Fatal(err)
				}
				runs = append(runs, run)
			}
			b.StartTimer()
		}
		if err := runs[i](); err != nil {
			b.Fatal(err)
		}
	}
}

// measured is a system with a server that is made as nestpayments makes it:
// passwords at their real cost, events logged as JSON, metrics, and no traces.
type measured struct {
	*api
	server  *server.Server
	metrics *prometheus.Registry
	made    int
}

// startMeasured starts one. Requests to a.url reach another server on the same store,
// which hashes passwords cheaply.
func startMeasured(t testing.TB) *measured {
	t.Helper()
	s := &measured{api: start(t, setup{noWebhooks: true}), metrics: prometheus.NewRegistry()}
	cheap := s.handler.Load()
	s.serve(setup{change: func(c *server.Config) {
		watch, err := telemetry.New(telemetry.Config{Metrics: s.metrics})
		if err != nil {
			t.Fatal(err)
		}
		stripe := stripeclient.Config{SecretKey: stripeKey, BaseURL: s.boxURL, RatePerSecond: 10_000, Observe: watch.StripeCall}
		if c.Stripe, err = stripeclient.New(stripe); err != nil {
			t.Fatal(err)
		}
		c.Telemetry, c.Passwords, c.Logger = watch, auth.HasherConfig{}, slog.New(slog.NewJSONHandler(io.Discard, nil))
	}})
	s.server = (*s.handler.Swap(cheap)).(*server.Server)
	return s
}

// scenario is one way to use an operation.
type scenario struct {
	// variant tells it from the operation's usual course, whose variant is "".
	operation, variant string
	status             int
	// ready makes a request that has not been sent, and what has to be there.
	ready func() *http.Request
}

func (c scenario) name() string { return strings.TrimSuffix(c.operation+"_"+c.variant, "_") }

// scenarios are all of them. Lists have ten entries.
func (s *measured) scenarios() []scenario {
	me, reader, victim, maker := s.register(), s.register(), s.register(), s.register()
	read := s.pay(reader, "page-0")
	for n := range 10 {
		s.pay(reader, fmt.Sprint("page-", n+1))
	}
	s.confirm(reader, "page-0", read, "pm_card_visa").want(s.t, 201)
	s.pay(me, "first")
	var made string
	for range 9 {
		made = s.post("/user", reader.token, object{"userName": "A", "email": s.fresh() + "@example.com", "password": password}).want(s.t, 201).text(s.t, "userId")
	}
	signUp := func() string {
		return fmt.Sprintf(`{"userName":"A","email":"%s@example.com","password":%q}`, s.fresh(), password)
	}
	login := func(email, password string) func() *http.Request {
		return s.always("POST", "/user/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	}
	for _, who := range []person{me, victim} { // and have their passwords hashed at their real cost
		s.server.ServeHTTP(server.NewSink(), login(who.email, password)())
	}
	confirm := func(method string) func() *http.Request {
		return func() *http.Request {
			cuid := s.fresh()
			return s.request("POST", "/payment/confirm", me.token, confirmation(cuid, s.pay(me, cuid), method))
		}
	}
	return append([]scenario{
		{"UserController_register", "", 201, func() *http.Request { return s.request("POST", "/user/register", "", signUp()) }},
		{"UserController_login", "", 201, login(me.email, password)},
		{"UserController_login", "wrong", 401, login(victim.email, "not the password")},
		{"UserController_create", "", 201, func() *http.Request { return s.request("POST", "/user", maker.token, signUp()) }},
		{"UserController_findAll", "", 200, s.always("GET", "/user?limit=10", reader.token, "")},
		{"UserController_findOne", "", 200, s.always("GET", "/user/"+reader.id, reader.token, "")},
		{"UserController_findOne", "created", 200, s.always("GET", "/user/"+made, reader.token, "")},
		{"UserController_update", "", 200, func() *http.Request {
			return s.request("PATCH", "/user/"+victim.id, victim.token, `{"userName":"`+s.fresh()+`"}`)
		}},
		{"UserController_changePassword", "", 201, func() *http.Request {
			return s.request("POST", "/user/password", s.register().token, fmt.Sprintf(`{"currentPassword":%q,"newPassword":"another password"}`, password))
		}},
		{"UserController_remove", "", 200, func() *http.Request {
			gone := s.register()
			return s.request("DELETE", "/user/"+gone.id, gone.token, "")
		}},
		{"PaymentController_getPayments", "", 200, s.always("GET", "/payment?limit=10", reader.token, "")},
		{"PaymentController_getPayment", "", 200, s.always("GET", "/payment/"+read, reader.token, "")},
		{"PaymentController_createPayment", "", 201, func() *http.Request {
			return s.request("POST", "/payment", me.token, `{"cuid":"`+s.fresh()+`"}`)
		}},
		{"PaymentController_createPayment", "first", 201, func() *http.Request {
			return s.request("POST", "/payment", s.register().token, `{"cuid":"first"}`)
		}},
		{"PaymentController_createPayment", "replayed", 201, s.always("POST", "/payment", reader.token, `{"cuid":"page-1"}`)},
		{"PaymentController_createPayment", "invalid", 400, s.always("POST", "/payment", reader.token, `{"cuid":"","price":1}`)},
		{"PaymentController_confirmPayment", "", 201, confirm("pm_card_visa")},
		{"PaymentController_confirmPayment", "replayed", 201, s.always("POST", "/payment/confirm", reader.token, confirmation("page-0", read, "pm_card_visa"))},
		{"PaymentController_confirmPayment", "declined", 402, confirm("pm_card_chargeDeclined")},
	}, s.events(me, read)...)
}

// events are the scenarios of Stripe's events: one that brings news, and one of a
// payment that is done.
func (s *measured) events(who person, done string) []scenario {
	signed := func(intentID string) *http.Request {
		body := fmt.Sprintf(`{"id":"evt_1","object":"event","type":"payment_intent.succeeded","created":%d,"data":{"object":{"id":%q,"object":"payment_intent"}}}`,
			s.clock().Unix(), intentID)
		p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: webhookSecret, Timestamp: s.clock()})
		r := s.request("POST", "/webhook/stripe", "", body)
		r.Header.Set("Stripe-Signature", p.Header)
		return r
	}
	return []scenario{
		{"WebhookController_stripe", "", 204, func() *http.Request {
			id := s.pay(who, s.fresh())
			s.stripe("POST", "/v1/payment_intents/"+id+"/confirm", "payment_method=pm_card_visa")
			return signed(id)
		}},
		{"WebhookController_stripe", "known", 204, func() *http.Request { return signed(done) }},
	}
}

func confirmation(cuid, id, method string) string {
	return fmt.Sprintf(`{"cuid":%q,"paymentId":%q,"paymentMethodId":%q}`, cuid, id, method)
}

// fresh is a name that nothing has. All are of one length.
func (s *measured) fresh() string { s.made++; return fmt.Sprintf("fresh-%08d", s.made) }

// always makes the same request again and again.
func (s *measured) always(method, path, token, body string) func() *http.Request {
	return func() *http.Request { return s.request(method, path, token, body) }
}

// request is one as it comes in. No body is "".
func (s *measured) request(method, path, token, body string) *http.Request {
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Accept", "application/json")
	if body == "" {
		r.Body = http.NoBody
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

// send has the server answer the request, and fails unless the answer is the
// scenario's.
func (s *measured) send(c scenario, w *server.Sink, r *http.Request) error {
	s.server.ServeHTTP(w, r)
	if w.Status != c.status {
		return fmt.Errorf("%s: status is %d, want %d", c.name(), w.Status, c.status)
	}
	return nil
}

// work is what the measured server has asked of others.
type work struct{ queries, writes, stripe int }

func (w work) less(before work) work {
	return work{w.queries - before.queries, w.writes - before.writes, w.stripe - before.stripe}
}

var (
	readCall  = regexp.MustCompile(`^(user|payment|attempt|list)s?(_|$)`)
	writeCall = regexp.MustCompile(`^(insert|update|delete|count|uncount|forget|prune)_`)
)

// work reads the server's own metrics.
func (s *measured) work() (done work) {
	s.t.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "nestpayments_stripe_attempts_total":
				done.stripe += int(m.GetCounter().GetValue())
			case "nestpayments_store_call_duration_seconds":
				calls, call := int(m.GetHistogram().GetSampleCount()), m.GetLabel()[0].GetValue()
				done.queries += calls
				if writeCall.MatchString(call) {
					done.writes += calls
				} else if !readCall.MatchString(call) {
					s.t.Fatalf("whether %s writes is not known here", call)
				}
			}
		}
	}
	return done
}

// Every operation of the spec has a scenario for its usual course.
func TestEveryOperationIsMeasured(t *testing.T) {
	t.Parallel()
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for _, item := range spec.Paths.Map() {
		for _, op := range item.Operations() {
			missing[op.OperationID] = true
		}
	}
	for _, c := range startMeasured(t).scenarios() {
		if c.variant == "" {
			delete(missing, c.operation)
		}
	}
	for operation := range missing {
		t.Errorf("%s has no scenario: write one", operation)
	}
}
