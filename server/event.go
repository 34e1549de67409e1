package server

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/server/telemetry"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// event is what is known of one request. It is filled in by whoever learns
// something, and logged once, at the end. It holds no body, token, email or
// secret.
type event struct {
	requestID string
	// from is the client's address, the zero value without a network. It is personal
	// data, so it is logged only if the operator wants that.
	from        netip.Addr
	logFrom     bool
	operationID string
	// caller is the user whose token the request has, if it needs one.
	caller *store.User
	// userID is the caller's, or of the user who logs in or registers.
	userID    string
	paymentID string
	// replayed is true if the answer is that of an earlier request for the same
	// thing.
	replayed bool
	status   int
	code     string
	err      error
	started  time.Time
	// work counts the calls that the request led to.
	work telemetry.Work
}

type eventKey struct{}

func withEvent(ctx context.Context, e *event) context.Context {
	return telemetry.WithWork(context.WithValue(ctx, eventKey{}, e), &e.work)
}

// eventOf returns the event of the request, or one that nobody will read.
func eventOf(ctx context.Context) *event {
	if e, ok := ctx.Value(eventKey{}).(*event); ok {
		return e
	}
	return &event{}
}

// intentID is a payment intent's id, and no more: a client secret, which clients
// send by mistake, is the id with more behind it, and passes the spec's pattern.
var intentID = regexp.MustCompile(`^pi_[A-Za-z0-9]{1,64}$`)

// namePayment notes the payment that the request names, if it is an id.
func (e *event) namePayment(id string) {
	if intentID.MatchString(id) {
		e.paymentID = id
	}
}

// fail notes the problem that is answered, and its cause.
func (e *event) fail(code string, err error) { e.code, e.err = code, err }

// How much is logged of what a client may write at any length, in bytes.
const (
	maxLoggedMethod = 20
	maxLoggedRoute  = 200
)

// cut shortens a text to so many bytes, without half a character at its end.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// log writes the event: failures of the server as errors, all else as info. The
// cause is logged for failures of the server; of what Stripe refused because of the
// caller, the codes. Other texts may hold something of the caller's.
func (e *event) log(ctx context.Context, log *slog.Logger, method, route string, took time.Duration) {
	level := slog.LevelInfo
	if e.status >= 500 && e.err != nil {
		level = slog.LevelError
	}
	if !log.Enabled(ctx, level) {
		return
	}
	var room [16]slog.Attr // saves its allocation
	attrs := append(room[:0],
		slog.String("requestId", e.requestID),
		slog.String("method", cut(method, maxLoggedMethod)),
		slog.String("route", cut(route, maxLoggedRoute)),
		slog.Int("status", e.status),
		slog.Float64("durationMs", float64(took.Microseconds())/1000),
	)
	storeCalls, stripeCalls, stripeRequestID := e.work.Sum()
	for _, a := range [...]slog.Attr{
		slog.String("operationId", e.operationID), slog.String("userId", e.userID),
		slog.String("paymentId", e.paymentID), slog.String("code", e.code),
		slog.String("stripeRequestId", stripeRequestID), slog.String("traceId", traceID(ctx)),
	} {
		if a.Value.String() != "" {
			attrs = append(attrs, a)
		}
	}
	if e.logFrom && e.from.IsValid() {
		attrs = append(attrs, slog.String("clientAddress", e.from.String()))
	}
	if e.operationID != "" {
		attrs = append(attrs, slog.Int("storeCalls", storeCalls), slog.Int("stripeCalls", stripeCalls), slog.Bool("replayed", e.replayed))
	}
	var refusal *stripeclient.Error
	switch {
	case level == slog.LevelError:
		attrs = append(attrs, slog.String("error", e.err.Error()))
	case errors.As(e.err, &refusal):
		attrs = append(attrs, slog.String("error", refusal.Codes()))
	}
	// Not by the logger, which would look up where in the program this is.
	record := slog.NewRecord(time.Now(), level, "request", 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(ctx, record)
}
