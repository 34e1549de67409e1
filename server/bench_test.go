package server_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
)

// One benchmark per operation, through the whole chain and without a socket
// between client and server. Those of payments call the sandbox over loopback.
// Passwords are hashed at their real cost.
func BenchmarkOperations(b *testing.B) {
	a := start(b, setup{noWebhooks: true})
	me := a.register()
	created := a.register()
	id := a.pay(me, "bench")
	a.confirm(me, "bench", id, "pm_card_visa").want(b, 201)
	for i := range 9 {
		a.pay(me, fmt.Sprint("page", i))
	}
	a.serve(setup{change: func(c *server.Config) { c.Passwords = auth.HasherConfig{}; c.Logger = slog.New(slog.DiscardHandler) }})
	handler := *a.handler.Load()

	n := 0
	fresh := func() string { n++; return fmt.Sprint("bench-", n) }
	for _, bench := range []struct {
		name, method, path, token string
		body                      func() string
	}{
		{"UserController_create", "POST", "/user", me.token, func() string {
			return fmt.Sprintf(`{"userName":"A","email":"%s@example.com","password":"correct horse"}`, fresh())
		}},
		{"UserController_findAll", "GET", "/user", created.token, nil},
		{"UserController_findOne", "GET", "/user/" + me.id, me.token, nil},
		{"UserController_update", "PATCH", "/user/" + created.id, created.token, func() string { return `{"userName":"` + fresh() + `"}` }},
		{"UserController_register", "POST", "/user/register", "", func() string {
			return fmt.Sprintf(`{"userName":"A","email":"%s@example.com","password":"correct horse"}`, fresh())
		}},
		{"UserController_login", "POST", "/user/login", "", func() string { return fmt.Sprintf(`{"email":%q,"password":%q}`, me.email, password) }},
		{"PaymentController_getPayments", "GET", "/payment?limit=10", me.token, nil},
		{"PaymentController_createPayment", "POST", "/payment", me.token, func() string { return `{"cuid":"` + fresh() + `"}` }},
		{"PaymentController_getPayment", "GET", "/payment/" + id, me.token, nil},
		{"PaymentController_confirmPayment_done", "POST", "/payment/confirm", me.token, func() string {
			return `{"cuid":"bench","paymentId":"` + id + `","paymentMethodId":"pm_card_visa"}`
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				answerOK(b, handler, bench.method, bench.path, bench.token, bench.body)
			}
		})
	}
	b.Run("PaymentController_confirmPayment", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			cuid := fresh()
			id := a.pay(me, cuid)
			b.StartTimer()
			answerOK(b, handler, "POST", "/payment/confirm", me.token, func() string {
				return `{"cuid":"` + cuid + `","paymentId":"` + id + `","paymentMethodId":"pm_card_visa"}`
			})
		}
	})
	b.Run("UserController_remove", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			b.StopTimer()
			gone := a.register()
			b.StartTimer()
			answerOK(b, handler, "DELETE", "/user/"+gone.id, gone.token, nil)
		}
	})
}

func answerOK(b *testing.B, h http.Handler, method, path, token string, body func() string) {
	b.Helper()
	r := httptest.NewRequestWithContext(b.Context(), method, path, nil)
	if body != nil {
		r = httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body()))
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 300 {
		b.Fatalf("%s %s: status %d: %s", method, path, w.Code, w.Body)
	}
}
