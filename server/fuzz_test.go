package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76/webhook"
)

// The fuzz targets send whatever the fuzzer comes up with through the whole
// chain, without a network. Always: no panic, no 5xx but a 503, an answer that
// fits the spec, and nothing secret in it or in the log.

// FuzzRequest sends any request. In target, headers and body, $TOKEN, $USER,
// $PAYMENT and $EMAIL stand for those of a registered user.
func FuzzRequest(f *testing.F) {
	s := newTarget(f)
	for _, r := range everything(person{id: "$USER", email: "$EMAIL"}, "$PAYMENT") {
		body, headers := "", "Authorization: Bearer $TOKEN"
		if r.body != nil {
			body, headers = encode(f, r.body), headers+"\nContent-Type: application/json"
		}
		f.Add(r.method, r.path, headers, body)
	}
	for _, path := range []string{"/", "/livez", "/openapi.yaml", "/.well-known/jwks.json", "/user/", "//", "/user/%2e%2e", "/%75ser", "/user?limit=1&cursor=$USER", "/user/$USER/", "/payment/confirm", "/webhook/stripe"} {
		f.Add("GET", path, "Accept: text/html;q=0, */*\nAuthorization: bearer $TOKEN", "")
		f.Add("OPTIONS", path, "Origin: https://example.com\nAccess-Control-Request-Method: POST", "")
		f.Add("POST", path, "Content-Type: application/json; charset=utf-8\nContent-Encoding: gzip\nX-Request-Id: a.b\nExpect: 100-continue", "{}")
	}
	f.Fuzz(func(t *testing.T, method, target, headers, body string) {
		s := s.in(t)
		r := s.request(method, target, headers, body)
		if r == nil {
			return
		}
		got := s.serve(r)
		if got.status >= 500 && got.status != 503 {
			t.Errorf("%q %q: status %d: %s", method, target, got.status, got.body)
		}
		if got.status == 503 && got.header.Get("Retry-After") == "" && r.URL.Path != "/readyz" {
			t.Errorf("%q %q: a 503 without Retry-After", method, target)
		}
	})
}

// FuzzBody sends any body to each operation that takes one: it is taken, or
// refused with a problem.
func FuzzBody(f *testing.F) {
	s := newTarget(f)
	var operations []request
	for _, r := range everything(person{id: "$USER", email: "$EMAIL"}, "$PAYMENT") {
		if r.body != nil {
			operations = append(operations, r)
			f.Add(encode(f, r.body))
		}
	}
	for _, body := range []string{
		"", "null", "[]", `""`, "0", `{"a":{"b":[1e999,-0,true]}}`, `{"userName":"\u0000","email":"a@b.co","password":"\ud83d\ude00aaaaaaa"}`,
		`{"cuid":"a","cuid":"b"}`, `{"customerId":"cus_1","userName":"\u202e"}`, "\xff\xfe", "{} {}", `{"email":"` + strings.Repeat("a", 300) + `"}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s := s.in(t)
		for _, o := range operations {
			got := s.serve(s.request(o.method, o.path, "Authorization: Bearer $TOKEN\nContent-Type: application/json", body))
			switch got.status {
			case 200, 201, 400, 401, 402, 403, 404, 409, 413, 422, 429, 503:
			default:
				t.Errorf("%s %s: status %d: %s", o.method, o.path, got.status, got.body)
			}
		}
	})
}

// FuzzQuery sends any query to both lists: a page of at most a hundred, or 400.
// Whatever the cursor, nobody else's users or payments show.
func FuzzQuery(f *testing.F) {
	s := newTarget(f)
	for _, query := range []string{
		"", "limit=1", "limit=100&cursor=000000000000000000000000", "cursor=ffffffffffffffffffffffff", "limit=0", "limit=%31", "limit=1;cursor=1",
		"limit=1&limit=1", "limit[]=1", "cursor=", "%zz", "limit=1e1", "limit=+1", "Limit=1", "=&=",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		s := s.in(t)
		for _, path := range []string{"/user", "/payment"} {
			r := s.request("GET", path+"?"+query, "Authorization: Bearer $TOKEN", "")
			if r == nil {
				return
			}
			got := s.serve(r)
			if got.status == 400 {
				continue
			}
			// One user and one payment are the caller's.
			if list := got.list(t); len(list) > 1 {
				t.Errorf("%s lists %v", path, list)
			}
			for key, values := range r.URL.Query() {
				if key != "limit" && key != "cursor" || len(values) > 1 {
					t.Errorf("%s?%s is taken", path, query)
				}
			}
		}
	})
}

// FuzzWebhook sends any body to the webhook, under any header or rightly signed.
func FuzzWebhook(f *testing.F) {
	s := newTarget(f)
	event := `{"id":"evt_1","type":"payment_intent.succeeded","created":1,"data":{"object":{"id":"$PAYMENT","object":"payment_intent"}}}`
	for _, body := range []string{event, "", "{", "null", "[]", `{"id":1}`, `{"id":"evt_1","type":"customer.deleted","data":{"object":[]}}`, strings.Repeat("[", 10_000)} {
		f.Add(true, "", body)
		f.Add(false, "t=1700000000,v1=00", body)
		f.Add(false, "t=-1,v1=,v0=zz,=,,", body)
	}
	f.Fuzz(func(t *testing.T, sign bool, header, body string) {
		s := s.in(t)
		body = s.fill(body)
		if sign {
			header = webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: webhookSecret, Timestamp: s.clock()}).Header
		}
		r := s.request("POST", "/webhook/stripe", "", body)
		r.Header["Stripe-Signature"] = []string{header}
		got := s.serve(r)
		switch {
		case !sign && got.status != 400:
			t.Errorf("an event that is not signed: status %d: %s", got.status, got.body)
		case sign && got.status != 204 && got.status != 400 && got.status != 502:
			// 502: an object that the library of Stripe cannot ask for. Only who has
			// the secret can send that.
			t.Errorf("a signed event: status %d: %s", got.status, got.body)
		}
	})
}

// target is a system that is fuzzed, and a user of it.
type target struct {
	*api
	me      *person
	payment *string
}

func newTarget(f *testing.F) *target {
	f.Helper()
	s := &target{api: start(f, setup{noWebhooks: true}), me: new(person), payment: new(string)}
	s.enter()
	return s
}

// enter registers the user, at first and after each time that it was deleted.
func (s *target) enter() {
	s.t.Helper()
	*s.me = s.register()
	*s.payment = s.pay(*s.me, "fuzz")
}

// in is the target for one run of the fuzz function.
func (s *target) in(t *testing.T) *target {
	t.Helper()
	a := *s.api
	a.t = t
	return &target{api: &a, me: s.me, payment: s.payment}
}

// fill puts the user's own in the place of the names.
func (s *target) fill(text string) string {
	return strings.NewReplacer("$TOKEN", s.me.token, "$USER", s.me.id, "$EMAIL", s.me.email, "$PAYMENT", *s.payment).Replace(text)
}

// request is what a server would make of this, nil if it is no HTTP.
func (s *target) request(method, target, headers, body string) *http.Request {
	target = s.fill(target)
	if _, err := url.ParseRequestURI(target); err != nil || !strings.HasPrefix(target, "/") {
		return nil
	}
	r, err := http.NewRequest(method, "http://localhost"+target, strings.NewReader(s.fill(body)))
	if err != nil || r.Host != "localhost" {
		return nil
	}
	r.RequestURI, r.RemoteAddr = target, "127.0.0.1:1"
	for line := range strings.Lines(s.fill(headers)) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\n"), ":")
		if !ok || name == "" {
			return nil
		}
		r.Header.Add(name, strings.TrimSpace(value))
	}
	return r
}

// serve answers the request and checks the answer and the log.
func (s *target) serve(r *http.Request) answer {
	s.t.Helper()
	r = r.WithContext(s.t.Context())
	w := httptest.NewRecorder()
	(*s.handler.Load()).ServeHTTP(w, r)
	got := answer{w.Code, w.Header(), w.Body.Bytes()}
	conform(s.t, r, got)
	checkAnswer(s.t, r, got)
	checkLogs(s.t, s.logs.take())
	if _, err := s.store.User(s.t.Context(), s.me.id); err != nil {
		s.enter()
	}
	return got
}

// take empties the buffer.
func (b *logBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	text := b.text.String()
	b.text = bytes.Buffer{}
	return text
}

func encode(f *testing.F, body any) string {
	f.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		f.Fatal(err)
	}
	return string(text)
}
