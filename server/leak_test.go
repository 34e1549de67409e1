package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// Every test of this package is a test for leaks: the harness hands checkAnswer
// each answer, checkMeasurements all metrics and spans, and checkLogs all that was
// logged, at debug level, by the server, the reconciler and the sandbox. Below are
// the searchers, the proof that they find something, and a run that puts secrets
// where they do not belong.

// secretShape is what one kind of secret looks like. None is without one of the
// signs, which are looked for first: nearly every text has none.
type secretShape struct {
	what  string
	signs []string
	shape *regexp.Regexp
}

// secretShapes are what no log may hold and no answer but those that are for it.
// None fits an id of Stripe's by chance.
var secretShapes = []secretShape{
	{"a password", []string{"correct horse", "s3cret", "not my password"}, regexp.MustCompile(`correct horse|s3cret|not my password`)},
	{"a password hash", []string{"$argon2"}, regexp.MustCompile(`\$argon2`)},
	{"an access token", []string{"eyJ"}, regexp.MustCompile(`(^|\W)eyJ|eyJ[\w-]+\.[\w-]`)},
	{"a signing key", []string{"PRIVATE KEY", "MII"}, regexp.MustCompile(`PRIVATE KEY|(^|\W)MII[A-Za-z0-9+/]{40}`)},
	{"a Stripe key", []string{"k_test_", "k_live_"}, regexp.MustCompile(`\b[sr]k_(test|live)_`)},
	{"a webhook secret", []string{"whsec_"}, regexp.MustCompile(`whsec_`)},
	{"a client secret", []string{"_secret_"}, regexp.MustCompile(`_secret_`)},
	{"an email address", []string{"@", "%40", `\u0040`}, regexp.MustCompile(`[\w.+-]+(@|%40|\\u0040)[\w-]+(\.[\w-]+)*\.[A-Za-z]{2,}`)},
	{"a value that is marked", []string{"hunter2"}, regexp.MustCompile(`hunter2`)},
	{"a secret in base64 (Basic)", []string{"aHVudGVyM"}, regexp.MustCompile(`aHVudGVyM`)},
}

// leaks names what the text holds and should not, with a little of the place.
func leaks(text string) (found []string) {
	for _, s := range secretShapes {
		if !slices.ContainsFunc(s.signs, func(sign string) bool { return strings.Contains(text, sign) }) {
			continue
		}
		if at := s.shape.FindStringIndex(text); at != nil {
			found = append(found, fmt.Sprintf("%s: …%s…", s.what, text[max(0, at[0]-80):min(len(text), at[1]+20)]))
		}
	}
	slices.Sort(found)
	return found
}

// checkLogs fails the test if the logs hold a secret or an email address.
func checkLogs(t testing.TB, logs string) {
	t.Helper()
	for line := range strings.Lines(logs) {
		for _, leak := range leaks(line) {
			t.Errorf("the log holds %s\n%s", leak, line)
		}
	}
}

// checkMeasurements fails the test if the metrics or the spans hold a secret or an
// email address.
func checkMeasurements(t testing.TB, metrics prometheus.Gatherer, spans *tracetest.SpanRecorder) {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil || len(families) == 0 {
		t.Errorf("no metrics: %v", err)
	}
	for _, leak := range leaks(fmt.Sprint(families)) {
		t.Errorf("the metrics hold %s", leak)
	}
	for _, span := range spans.Ended() {
		for _, leak := range leaks(fmt.Sprint(span.Name(), span.Attributes(), span.Status(), span.Events())) {
			t.Errorf("the span %s holds %s", span.Name(), leak)
		}
	}
}

// meant are the properties that are there to carry what is searched for, by the
// answers that have them.
var meant = []struct {
	method, path *regexp.Regexp
	status       int
	property     *regexp.Regexp
}{
	{regexp.MustCompile(`POST`), regexp.MustCompile(`^/user/(register|login|password)$`), 201, regexp.MustCompile(`"access_token":"[\w.-]+"`)},
	{regexp.MustCompile(`POST`), regexp.MustCompile(`^/payment$`), 201, regexp.MustCompile(`"clientSecret":"\w+"`)},
	{regexp.MustCompile(`POST`), regexp.MustCompile(`^/user$`), 201, regexp.MustCompile(`"email":"[^"]+"`)},
	{regexp.MustCompile(`GET|PATCH|DELETE`), regexp.MustCompile(`^/user`), 200, regexp.MustCompile(`"email":"[^"]+"`)},
	// The spec is public and has made-up examples of everything.
	{regexp.MustCompile(`GET`), regexp.MustCompile(`^/openapi\.(yaml|json)$`), 200, regexp.MustCompile(`(?s).+`)},
	// Names that the caller made up are repeated, values never.
	{regexp.MustCompile(``), regexp.MustCompile(``), 400, regexp.MustCompile(`"(pointer|parameter)":"[^"]*"|name@example\.com`)},
}

// checkAnswer fails the test if the answer holds a secret or an email address
// that it is not there for.
func checkAnswer(t testing.TB, r *http.Request, got answer) {
	t.Helper()
	body := string(got.body)
	for _, m := range meant {
		if m.method.MatchString(r.Method) && m.path.MatchString(r.URL.Path) && got.status == m.status {
			body = m.property.ReplaceAllString(body, "")
		}
	}
	for _, leak := range leaks(fmt.Sprint(got.header) + body) {
		t.Errorf("%s: the answer %d holds %s", r.Method, got.status, leak)
	}
}

func TestTheSearchFindsWhatIsThere(t *testing.T) {
	t.Parallel()
	for what, text := range map[string]string{
		"a password":       `{"detail":"wrong: correct horse battery"}`,
		"a password hash":  `{"hash":"$argon2id$v=19$m=64,t=1,p=1$c2FsdA$dGFn"}`,
		"an access token":  "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
		"a signing key":    testRing(t).signing.pem[28:128],
		"a Stripe key":     `panic: key "` + stripeKey + `"`,
		"a webhook secret": "secret=" + webhookSecret,
		"a client secret":  "pi_3NqkQ2_secret_9LrQ",
		"an email address": `user "ada.lovelace+pay@mail.example.co.uk" not found`,
	} {
		found := leaks(text)
		if !slices.ContainsFunc(found, func(f string) bool { return strings.HasPrefix(f, what+":") }) {
			t.Errorf("%s: found %v in %s", what, found, text)
		}
	}
	for _, text := range []string{
		"", `{"id":"pi_3NqeyJkQ2MIIEvQIBADANBgkqh","paymentMethod":"pm_eyJkQ2"}`, `{"type":"https://nest-payments.dev/problems/invalid_request"}`, `{"id":"pi_3NqkQ2","customerId":"cus_1"}`,
		"github.com/labstack/echo/v4@v4.16.0/echo.go:668", "golang.org/x/exp@v0.0.0-20250506013437-ce4c2cf36ca6/maps.go:1",
	} {
		if found := leaks(text); len(found) > 0 {
			t.Errorf("found %v in %s", found, text)
		}
	}
	// What one answer is there to carry, no other may.
	for _, tc := range []struct {
		method, path, body string
		status, want       int
	}{
		{"POST", "/payment", `{"id":"pi_1","clientSecret":"pi_1_secret_2"}`, 201, 0},
		{"GET", "/payment/pi_1", `{"id":"pi_1","clientSecret":"pi_1_secret_2"}`, 200, 1},
		{"POST", "/payment", `{"id":"pi_1_secret_2"}`, 201, 1},
		{"POST", "/user/login", `{"access_token":"eyJh.eyJz.c2ln"}`, 201, 0},
		{"GET", "/user", `[{"access_token":"eyJh.eyJz.c2ln"}]`, 200, 1},
		{"GET", "/user", `[{"email":"a@example.com"}]`, 200, 0},
		{"POST", "/user", `{"detail":"a@example.com"}`, 409, 1},
	} {
		fake := &recorder{TB: t}
		checkAnswer(fake, &http.Request{Method: tc.method, URL: &url.URL{Path: tc.path}}, answer{status: tc.status, body: []byte(tc.body)})
		if fake.failures != tc.want {
			t.Errorf("%s %s %d %s: %d findings, want %d", tc.method, tc.path, tc.status, tc.body, fake.failures, tc.want)
		}
	}
}

// recorder counts failures instead of failing.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }

// Callers put secrets everywhere. Wherever they do, no log keeps them and no
// answer repeats them.
func TestSecretsInOddPlaces(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	payment := a.pay(me, "odd")
	clientSecret := a.post("/payment", me.token, object{"cuid": "odd"}).text(t, "clientSecret")
	for name, secret := range map[string]string{
		"a password": password, "an access token": me.token, "a Stripe key": "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
		"a webhook secret": webhookSecret, "a client secret": clientSecret, "an email address": me.email,
		"a card": "4242-4242-4242-4242-hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			a := *a
			a.t = t
			escaped := url.PathEscape(secret)
			for _, path := range []string{
				"/user/" + escaped, "/payment/" + escaped, "/payment/pi_" + escaped, "/" + escaped, "/payment/confirm/" + escaped, "/user/" + me.id + "/" + escaped,
				"/user?limit=" + url.QueryEscape(secret), "/user?cursor=" + url.QueryEscape(secret), "/payment?cursor=" + url.QueryEscape(secret),
				"/user?access_token=" + url.QueryEscape(secret), "/payment?" + url.QueryEscape(secret) + "=1", "/livez?" + url.QueryEscape(secret),
			} {
				for _, method := range []string{"GET", "POST", "PATCH", "DELETE", "PUT"} {
					a.send(request{method: method, path: path, token: me.token, body: object{}})
				}
			}
			for _, header := range []string{
				"Accept", "Authorization", "Content-Type", "Content-Encoding", "Cookie", "Forwarded", "Idempotency-Key", "If-None-Match", "Origin",
				"Referer", "Stripe-Signature", "User-Agent", "X-Api-Key", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Traceparent",
			} {
				for _, value := range []string{secret, "Bearer " + secret, "Basic " + secret, "application/json; charset=" + secret, "t=1,v1=" + secret} {
					for _, path := range []string{"/user", "/user/login", "/payment", "/webhook/stripe", "/openapi.json", "/nope"} {
						for _, method := range []string{"GET", "POST"} {
							r := request{method: method, path: path, token: me.token, body: object{"email": me.email}, header: http.Header{header: {value}}}
							a.send(r)
						}
					}
				}
			}
			for _, path := range []string{"/user/register", "/user/login", "/user", "/payment", "/payment/confirm", "/webhook/stripe"} {
				for _, property := range []string{"userName", "email", "password", "cuid", "paymentId", "paymentMethodId", "customerId", "id", "type"} {
					for _, value := range []any{secret, []string{secret}, object{secret: secret}, "pm_" + secret, "pi_" + secret, "cus_" + secret} {
						body := object{"cuid": "odd", "paymentId": payment, "paymentMethodId": "pm_card_visa", property: value, "more": secret}
						a.post(path, me.token, body)
						delete(body, "more")
						a.post(path, me.token, body)
					}
				}
				a.post(path, me.token, secret)
				a.post(path, me.token, `{"`+secret+`":`)
				a.post(path, me.token, `{"`+secret+`":"`+secret+`"}`)
			}
			patch := object{"customerId": "cus_" + strings.NewReplacer("@", "", ".", "", "-", "", " ", "").Replace(secret)}
			a.send(request{method: "PATCH", path: "/user/" + me.id, token: a.admin().token, body: patch})
		})
	}
}

// Each thing that can go wrong at Stripe, on every call that a payment makes: the
// errors that are logged hold nothing of what was sent or answered.
func TestFaultsOfStripeLeakNothing(t *testing.T) {
	t.Parallel()
	for _, kind := range []sandbox.FaultKind{
		sandbox.FaultLostReply, sandbox.FaultErrorBefore, sandbox.FaultErrorAfter, sandbox.FaultRateLimit, sandbox.FaultLockTimeout,
		sandbox.FaultKeyInUse, sandbox.FaultUnauthorized, sandbox.FaultHTML502, sandbox.FaultTruncated,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			a := start(t, setup{})
			me := a.register()
			for _, call := range []string{"POST /v1/customers", "POST /v1/payment_intents", "GET /v1/payment_intents/*", "POST /v1/payment_intents/*/confirm"} {
				a.fault(sandbox.Fault{Match: call, Kind: kind, Times: 3})
			}
			var id string
			eventually(t, "the payment is answered again", func() bool {
				again := a.post("/payment", me.token, object{"cuid": "faulty"})
				if again.status == 201 {
					id = again.text(t, "id")
				}
				return id != ""
			})
			for _, card := range []string{"pm_card_chargeDeclined", "pm_card_threeDSecure2Required", "pm_card_visa"} {
				eventually(t, card+" is settled", func() bool { return a.confirm(me, "faulty", id, card).status < 500 })
			}
			a.reconcile()
		})
	}
}

// A database that fails, with whatever it knows in its errors, and a panic that
// holds what was at hand: the client learns nothing of either.
func TestFailuresOfOursAnswerNothing(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	id := a.pay(me, "outage")
	failing := &failingStore{Store: a.store}
	a.store = failing
	a.serve(setup{})
	failing.fail(fmt.Errorf("insert user: row %s", "0xCAFE"), 0)
	for name, r := range everything(me, id) {
		if got := a.send(r); strings.Contains(fmt.Sprint(got.header, string(got.body)), "0xCAFE") {
			t.Errorf("%s: the answer tells the cause", name)
		}
	}
	a.store = panicking{failing.Store}
	a.serve(setup{})
	for name, r := range everything(me, id) {
		if r.token == "" {
			continue
		}
		got := a.send(r)
		got.problem(t, 500, "internal")
		if strings.Contains(fmt.Sprint(got.header, string(got.body)), "0xCAFE") {
			t.Errorf("%s: the answer tells what the panic said", name)
		}
	}
}

// panicking panics where every request with a token goes.
type panicking struct{ store.Store }

func (panicking) User(context.Context, string) (*store.User, error) { panic("0xCAFE") }
