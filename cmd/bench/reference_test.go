package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/paymentintent"
	"golang.org/x/crypto/argon2"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
)

// serveReference is what the server is measured by: plain Echo on the same store with
// the same queries, and the bare calls to Stripe. It checks nothing, knows nobody and
// logs nothing.
func serveReference() error {
	db, err := sqlite.Open(context.Background(), os.Getenv("BENCH_DATABASE"))
	if err != nil {
		return err
	}
	userID, customerID := os.Getenv("BENCH_USER"), os.Getenv("BENCH_CUSTOMER")
	intents := paymentintent.Client{Key: stripeKey, B: stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(os.Getenv("BENCH_STRIPE")), MaxNetworkRetries: stripe.Int64(0), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelError}, HTTPClient: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	})}
	e := echo.New()
	e.GET("/user/:id", func(c echo.Context) error {
		u, err := db.User(c.Request().Context(), c.Param("id"))
		if err != nil {
			return err
		}
		return c.JSON(http.StatusOK, gen.ReturnUserDto{UserID: u.ID, UserName: u.Name, Email: u.Email})
	})
	e.GET("/payment", func(c echo.Context) error {
		list, err := db.ListPayments(c.Request().Context(), store.PaymentQuery{UserID: userID, Limit: 10})
		if err != nil {
			return err
		}
		dtos := make([]gen.ReturnPaymentDto, len(list))
		for i, p := range list {
			dtos[i] = gen.ReturnPaymentDto{ID: p.IntentID, Amount: p.Amount, Currency: p.Currency, Status: p.Status, PaymentMethod: p.PaymentMethod}
		}
		return c.JSON(http.StatusOK, dtos)
	})
	e.POST("/payment", func(c echo.Context) error {
		var body gen.CreatePaymentDto
		if err := c.Bind(&body); err != nil {
			return err
		}
		ctx, now := c.Request().Context(), time.Now()
		p := &store.Payment{
			ID: store.NewID(now), UserID: userID, CUID: body.CUID, CustomerID: customerID,
			Amount: 2000, Currency: "usd", CreatedAt: now, UpdatedAt: now,
		}
		if err := db.InsertPayment(ctx, p); err != nil {
			return err
		}
		in, err := intents.New(&stripe.PaymentIntentParams{
			Params: stripe.Params{Context: ctx, IdempotencyKey: &p.ID},
			Amount: &p.Amount, Currency: &p.Currency, Customer: &customerID,
			AutomaticPaymentMethods: &stripe.PaymentIntentAutomaticPaymentMethodsParams{
				Enabled: stripe.Bool(true), AllowRedirects: stripe.String("never"),
			},
			Metadata: map[string]string{"paymentId": p.ID, "userId": userID, "cuid": p.CUID},
		})
		if err != nil {
			return err
		}
		p.IntentID, p.Status = in.ID, string(in.Status)
		if err := db.UpdatePayment(ctx, p); err != nil {
			return err
		}
		return c.JSON(http.StatusCreated, gen.PaymentCreatedDto{
			ID: p.IntentID, Amount: p.Amount, Currency: p.Currency, Status: p.Status, ClientSecret: in.ClientSecret,
		})
	})
	e.POST("/user/login", func(c echo.Context) error {
		var body gen.LoginUserDto
		if err := c.Bind(&body); err != nil {
			return err
		}
		argon2.IDKey([]byte(body.Password), make([]byte, 16), 2, 19<<10, 1, 32)
		return c.NoContent(http.StatusCreated)
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	sayServing(ln.Addr().String())
	return http.Serve(ln, e) // #nosec G114 -- of a benchmark
}
