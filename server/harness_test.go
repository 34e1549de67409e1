package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/store/sqlite"
	"github.com/nestpayments/nestpayments/stripeclient"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// api is one running system: the server over a database of its own and a Stripe
// sandbox of its own. Every answer that a test gets has been checked against the
// spec.
type api struct {
	t     testing.TB
	url   string
	store store.Store
	box   *sandbox.Sandbox
	// boxURL is where the sandbox listens.
	boxURL string
	keys   *auth.KeySet
	// ahead is by how many nanoseconds the server's clock is ahead.
	ahead *atomic.Int64
	logs  *logBuffer
	// handler is the server that answers at url.
	handler *atomic.Pointer[http.Handler]
	// metrics and spans are what that server has measured.
	metrics *prometheus.Registry
	spans   *tracetest.SpanRecorder
}

// setup says what is different about the system of a test.
type setup struct {
	// wrap stands between the server and its store.
	wrap func(store.Store) store.Store
	// noWebhooks leaves payments to the reconciler.
	noWebhooks bool
	// stripeKey is what the server calls Stripe with.
	stripeKey string
	// stripe changes the configuration of the client of Stripe.
	stripe func(*stripeclient.Config)
	// change is applied to the configuration last.
	change func(*server.Config)
}

const (
	stripeKey     = "sk_test_server"
	webhookSecret = "whsec_server"
)

func start(t testing.TB, s setup) *api {
	t.Helper()
	db := openStore(t)
	a := &api{
		t: t, store: db, keys: testKeys(t), ahead: new(atomic.Int64), logs: &logBuffer{},
		handler: new(atomic.Pointer[http.Handler]),
	}
	t.Cleanup(func() { checkLogs(t, a.logs.String()) })
	if s.wrap != nil {
		a.store = s.wrap(db)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*a.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	a.url = srv.URL

	box := sandbox.Config{SecretKeys: []string{stripeKey}, Clock: a.clock, Logger: a.logger()}
	if !s.noWebhooks {
		box.WebhookURL, box.WebhookSecret = srv.URL+"/webhook/stripe", webhookSecret
		box.WebhookRetryWaits = []time.Duration{20 * time.Millisecond}
	}
	var err error
	if a.box, err = sandbox.New(box); err != nil {
		t.Fatal(err)
	}
	boxSrv := httptest.NewServer(a.box)
	t.Cleanup(boxSrv.Close)
	t.Cleanup(func() { _ = a.box.Close() })
	a.boxURL = boxSrv.URL

	a.serve(s)
	return a
}

// openStore opens a database of the test's own: on the server of TEST_MONGODB_URI, or
// an SQLite file.
func openStore(t testing.TB) (db store.Store) {
	t.Helper()
	var err error
	if mongotest.Real() {
		db, err = mongo.Open(t.Context(), mongotest.Start(t), nil)
	} else {
		db, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// serve puts a server of this setup in the place of the one that there was.
func (a *api) serve(s setup) {
	a.t.Helper()
	if s.stripeKey == "" {
		s.stripeKey = stripeKey
	}
	a.metrics, a.spans = prometheus.NewRegistry(), tracetest.NewSpanRecorder()
	measured, err := telemetry.New(telemetry.Config{
		Metrics: a.metrics, Traces: trace.NewTracerProvider(trace.WithSpanProcessor(a.spans)),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	toStripe := stripeclient.Config{
		SecretKey: s.stripeKey, BaseURL: a.boxURL, RatePerSecond: 10_000, BreakerFailures: 1000, Observe: measured.StripeCall,
	}
	if s.stripe != nil {
		s.stripe(&toStripe)
	}
	stripe, err := stripeclient.New(toStripe)
	if err != nil {
		a.t.Fatal(err)
	}
	webhook, err := stripeclient.NewWebhook(stripeclient.WebhookConfig{Secrets: []string{webhookSecret}, Clock: a.clock})
	if err != nil {
		a.t.Fatal(err)
	}
	c := server.Config{
		Store: a.store, Stripe: stripe, Webhook: webhook, Keys: a.keys, Clock: a.clock,
		Passwords: auth.HasherConfig{Params: auth.Params{MemoryKiB: 64, Time: 1, Threads: 1}, Queue: 1000},
		// All that a test sends comes from one address.
		Throttle:     auth.ThrottleConfig{Tries: 1e6, Logins: 1e6, Accounts: 1000, Addresses: 1000, SignUps: 1e6, Unconfirmed: 1e6, Declines: 1e6},
		RequestLimit: 1e9,
		Logger:       a.logger(),
		Telemetry:    measured,
	}
	if s.change != nil {
		s.change(&c)
	}
	metrics, spans := a.metrics, a.spans
	a.t.Cleanup(func() { checkMeasurements(a.t, metrics, spans) })
	srv, err := server.New(c)
	if err != nil {
		a.t.Fatal(err)
	}
	var h http.Handler = srv
	a.handler.Store(&h)
}

func (a *api) clock() time.Time { return time.Now().Add(time.Duration(a.ahead.Load())) }

// testKeys are made once: RSA keys take a while.
func testKeys(t testing.TB) *auth.KeySet {
	t.Helper()
	keys, err := oneKeySet()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

var oneKeySet = sync.OnceValues(func() (*auth.KeySet, error) {
	dir, err := os.MkdirTemp("", "keys")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "key.pem")
	if err := auth.GenerateKey(path); err != nil {
		return nil, err
	}
	return auth.LoadKeys(path)
})

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request is what is sent. The zero value of a field is the ordinary thing.
type request struct {
	method, path string
	// token is sent as a bearer token.
	token string
	// body is sent as it is if it is a string, as JSON otherwise.
	body any
	// header is added, and replaces what would be sent. A nil value removes it.
	header http.Header
}

// send sends the request and checks the answer against the spec.
func (a *api) send(r request) answer {
	a.t.Helper()
	var body io.Reader
	switch b := r.body.(type) {
	case nil:
	case string:
		body = strings.NewReader(b)
	case io.Reader:
		body = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			a.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(a.t.Context(), r.method, a.url+r.path, body)
	if err != nil {
		a.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.token != "" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		a.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatalf("%s %s: %v", r.method, r.path, err)
	}
	got := answer{res.StatusCode, res.Header, text}
	conform(a.t, req, got)
	checkAnswer(a.t, req, got)
	return got
}

func (a *api) post(path, token string, body any) answer {
	a.t.Helper()
	return a.send(request{method: "POST", path: path, token: token, body: body})
}

func (a *api) get(path, token string) answer {
	a.t.Helper()
	return a.send(request{method: "GET", path: path, token: token})
}

// object is a JSON object.
type object = map[string]any

// want fails the test unless the answer has the status.
func (g answer) want(t testing.TB, status int) answer {
	t.Helper()
	if g.status != status {
		t.Fatalf("status is %d, want %d: %s", g.status, status, g.body)
	}
	return g
}

// problem fails the test unless the answer is the problem with this code.
func (g answer) problem(t testing.TB, status int, code string) object {
	t.Helper()
	g.want(t, status)
	p := g.object(t)
	if p["code"] != code {
		t.Fatalf("code is %v, want %s: %s", p["code"], code, g.body)
	}
	return p
}

func (g answer) object(t testing.TB) object {
	t.Helper()
	var o object
	if err := json.Unmarshal(g.body, &o); err != nil {
		t.Fatalf("answer is not an object: %s", g.body)
	}
	return o
}

func (g answer) list(t testing.TB) []object {
	t.Helper()
	var l []object
	if err := json.Unmarshal(g.want(t, 200).body, &l); err != nil {
		t.Fatalf("answer is not a list: %s", g.body)
	}
	return l
}

func (g answer) text(t testing.TB, property string) string {
	t.Helper()
	s, ok := g.object(t)[property].(string)
	if !ok {
		t.Fatalf("answer has no text %q: %s", property, g.body)
	}
	return s
}

var people atomic.Int64

// person is a registered user.
type person struct{ id, email, token string }

const password = "correct horse battery"

// register registers somebody new.
func (a *api) register() person {
	a.t.Helper()
	email := fmt.Sprintf("person%d@example.com", people.Add(1))
	token := a.post("/user/register", "", object{"userName": "Somebody", "email": email, "password": password}).
		want(a.t, 201).text(a.t, "access_token")
	me := a.get("/user", token).list(a.t)
	return person{id: me[0]["userId"].(string), email: email, token: token}
}

// admin registers somebody and makes them an admin, as the admin command does.
func (a *api) admin() person {
	a.t.Helper()
	p := a.register()
	u, err := a.store.User(a.t.Context(), p.id)
	if err != nil {
		a.t.Fatal(err)
	}
	u.Admin = true
	if err := a.store.UpdateUser(a.t.Context(), u); err != nil {
		a.t.Fatal(err)
	}
	return p
}

// eventually polls until ok, and fails the test if it takes too long.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("never happened: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// logBuffer keeps what is logged.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// logger keeps everything in a.logs, which is searched for secrets in the end.
func (a *api) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(a.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// stripe calls the sandbox as somebody else with access to the Stripe account
// would: its dashboard, say.
func (a *api) stripe(method, path, form string) answer {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), method, a.boxURL+path, strings.NewReader(form))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+stripeKey)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, text}.want(a.t, 200)
}

// fault makes something go wrong at Stripe.
func (a *api) fault(f sandbox.Fault) {
	a.t.Helper()
	if err := a.box.AddFault(f); err != nil {
		a.t.Fatal(err)
	}
}

// sortedList is a header's list, sorted.
func sortedList(header string) string {
	items := strings.Split(header, ", ")
	slices.Sort(items)
	return strings.Join(items, ", ")
}

// service is a payment service over the same store and Stripe.
func (a *api) service() *payments.Service {
	a.t.Helper()
	stripe, err := stripeclient.New(stripeclient.Config{SecretKey: stripeKey, BaseURL: a.boxURL, RatePerSecond: 10_000})
	if err != nil {
		a.t.Fatal(err)
	}
	s, err := payments.New(payments.Config{Store: a.store, Stripe: stripe, Clock: a.clock, Logger: a.logger()})
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// reconcile makes one round of the reconciler.
func (a *api) reconcile() {
	a.t.Helper()
	round, err := payments.NewReconciler(a.service(), 0).RunOnce(a.t.Context())
	if err != nil || !round.Held {
		a.t.Fatalf("reconciler: %+v, %v", round, err)
	}
	a.ahead.Add(int64(2 * time.Minute)) // past the lease
}
