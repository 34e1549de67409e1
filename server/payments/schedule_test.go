package payments_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/nestpayments/nestpayments/server/payments"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// TestRandomSchedules lets users, their banks, Stripe's dashboard, operators and
// failures act in random order, and then holds the promises. everystep_test.go
// has the command for its long form; -rapid.seed repeats a run.
func TestRandomSchedules(t *testing.T) {
	t.Parallel()
	var schedules, actions, faults, charges atomic.Int64
	rapid.Check(t, func(rt *rapid.T) {
		db, done := proofStore(t)
		defer done()
		why := verdict(t, db, func(w *world) {
			s := &schedule{world: w}
			s.users = append(s.users, w.register())
			w.oneCardAtATime = rapid.Bool().Draw(rt, "one card at a time")
			rt.Repeat(s.actions(&actions))
			s.end()
			schedules.Add(1)
			faults.Add(int64(w.faults))
			charges.Add(int64(len(w.box.Charges())))
		})
		if why != "" {
			rt.Fatalf("%s", why)
		}
	})
	t.Logf("%d schedules, %d actions, %d calls failed, %d charges", schedules.Load(), actions.Load(), faults.Load(), charges.Load())
}

// schedule is one random course of events.
type schedule struct {
	*world
	// users are those that were not deleted.
	users []*user
	// slips are the payments that clients know.
	slips []slip
	// unsettled is until when requests of clients who gave up may still be on
	// their way.
	unsettled time.Time
}

// slip is a payment as its client knows it.
type slip struct {
	user           *user
	cuid, intentID string
}

var cards = []string{
	goodCard, decliningCard, challengeCard, "pm_card_visa_chargeDeclinedInsufficientFunds",
	"pm_card_threeDSecureRequired", "pm_card_threeDSecureRequiredChargeDeclined", sandbox.DebitToken,
}

func (s *schedule) actions(count *atomic.Int64) map[string]func(*rapid.T) {
	all := map[string]func(*rapid.T){
		"register":  s.randomRegister,
		"create":    s.randomCreate,
		"create2":   s.randomCreate,
		"confirm":   s.randomConfirm,
		"confirm2":  s.randomConfirm,
		"at once":   s.atOnce,
		"at once 2": s.atOnce,
		"webhook":   s.randomWebhook,
		"bank":      s.bank,
		"dashboard": s.dashboard,
		"reconcile": func(rt *rapid.T) { s.armed(rt, func() { _, _ = s.reconcile(context.Background()) }) },
		"rename":    func(rt *rapid.T) { s.rename(s.anyUser(rt)) },
		"bad email": func(rt *rapid.T) { u := s.anyUser(rt); s.setEmail(u, refusedEmail, u.id) },
		"late":      s.lateEvent,
		"forge":     s.forge,
		"delete":    s.delete,
		"operator":  s.operator,
		"time": func(rt *rapid.T) {
			time.Sleep(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 5 * time.Minute, time.Hour, 25 * time.Hour}).Draw(rt, "pause"))
		},
	}
	for name, act := range all {
		all[name] = func(rt *rapid.T) {
			count.Add(1)
			act(rt)
			if len(s.breaches) > 0 {
				s.fatalf("%s", s.breaches[0])
			}
		}
	}
	return all
}

// end stops all failures. Every user makes one more payment, and then the
// promises must hold.
func (s *schedule) end() {
	s.strike = nil
	time.Sleep(time.Minute)
	for _, u := range s.users {
		s.mustCreate(u, "last")
	}
	s.converge()
	s.verify()
}

func (s *schedule) anyUser(rt *rapid.T) *user { return rapid.SampledFrom(s.users).Draw(rt, "user") }

func (s *schedule) anySlip(rt *rapid.T) slip {
	if len(s.slips) == 0 {
		rt.Skip("no payment yet")
	}
	return rapid.SampledFrom(s.slips).Draw(rt, "payment")
}

// armed runs do while up to three of its calls fail.
func (s *schedule) armed(rt *rapid.T, do func()) {
	n := rapid.IntRange(0, 3).Draw(rt, "failures")
	at := strikes{}
	for range n {
		k := rapid.IntRange(1, 20).Draw(rt, "call")
		at[k] = rapid.SampledFrom(append(storeFailures, stripeFailures...)).Draw(rt, "failure")
	}
	s.plan(at)
	do()
	s.strike = nil
}

func (s *schedule) randomRegister(rt *rapid.T) {
	if len(s.users) == 3 {
		rt.Skip("enough users")
	}
	s.users = append(s.users, s.register())
}

func (s *schedule) randomCreate(rt *rapid.T) {
	u, cuid := s.anyUser(rt), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "cuid")
	if s.givesUp(rt, func(ctx context.Context) { s.tryCreate(ctx, u, cuid) }) {
		return
	}
	s.armed(rt, func() { s.know(u, cuid, s.mustCreate(u, cuid)) })
}

// givesUp is, one time in four, a client who sends a request once and does not
// care for the answer.
func (s *schedule) givesUp(rt *rapid.T, request func(context.Context)) bool {
	if rapid.IntRange(0, 3).Draw(rt, "gives up at 0") > 0 {
		return false
	}
	s.armed(rt, func() { request(context.Background()) })
	s.unsettled = time.Now().Add(time.Minute)
	return true
}

// tryCreate sends a create once.
func (s *schedule) tryCreate(ctx context.Context, u *user, cuid string) {
	who, p := s.stored(u), s.running()
	gone, err := s.during(ctx, func(ctx context.Context) error {
		_, err := p.service.Create(ctx, who, cuid)
		return err
	})
	s.once(p, gone, err)
}

func (s *schedule) tryConfirm(ctx context.Context, p slip, card string) {
	process := s.running()
	gone, err := s.during(ctx, func(ctx context.Context) error {
		_, err := process.service.Confirm(ctx, payments.Confirmation{UserID: p.user.id, CUID: p.cuid, IntentID: p.intentID, PaymentMethod: card})
		return err
	})
	s.once(process, gone, err)
}

// once is the end of a request that is sent once.
func (s *schedule) once(p *process, gone bool, err error) {
	if gone {
		s.revive(p)
	}
	if err != nil && !documented(err) {
		s.breach("the error is not documented: %v", err)
	}
}

func (s *schedule) know(u *user, cuid, intentID string) {
	for _, p := range s.slips {
		if p.user == u && p.cuid == cuid {
			if p.intentID != intentID {
				s.fatalf("payment %s of %s is %s, was %s", cuid, u.id, intentID, p.intentID)
			}
			return
		}
	}
	s.slips = append(s.slips, slip{u, cuid, intentID})
}

// randomConfirm pays, and holds the answer to the model: what Stripe makes of the
// card, given the state that the intent is in.
func (s *schedule) randomConfirm(rt *rapid.T) {
	p, card := s.anySlip(rt), rapid.SampledFrom(cards).Draw(rt, "card")
	if s.givesUp(rt, func(ctx context.Context) { s.tryConfirm(ctx, p, card) }) {
		return
	}
	certain := time.Now().After(s.unsettled)
	want := s.expected(p, card)
	s.armed(rt, func() {
		paid, err := s.confirm(context.Background(), p.user, p.cuid, p.intentID, card, certain)
		got := verdictOf(err)
		if err == nil {
			got = paid.Status
		}
		if certain && want != "" && got != want {
			s.fatalf("%s of a payment with %s came to %q (%v), want %q", p.intentID, card, got, err, want)
		}
	})
}

// expected is the model of a confirmation, empty if there is more than one good
// answer.
func (s *schedule) expected(p slip, card string) string {
	in := s.intentAt(p.intentID)
	switch in.Status {
	case "succeeded", "processing":
		return in.Status
	case "canceled":
		return "not confirmable"
	case "requires_action":
		if s.oneCardAtATime {
			return "" // it depends on whether Stripe has seen this card's key
		}
	}
	for _, c := range s.box.Customers() {
		switch {
		case c.ID != in.Customer || !c.Deleted:
		case in.Status == "requires_action":
			return "" // it still waits for this card, or cannot be tried with another
		default:
			return "not confirmable"
		}
	}
	switch {
	case card == goodCard:
		return "succeeded"
	case card == sandbox.DebitToken:
		return "processing"
	case strings.Contains(card, "threeDSecure") && s.oneCardAtATime:
		return "" // after a saved 500, the payment method that a test token made is not known
	case strings.Contains(card, "threeDSecure"):
		return "requires_action"
	}
	return "declined"
}

func verdictOf(err error) string {
	var declined *payments.DeclinedError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &declined):
		return "declined"
	case errors.Is(err, payments.ErrNotConfirmable):
		return "not confirmable"
	case errors.Is(err, payments.ErrAuthenticationPending):
		return "pending"
	}
	return err.Error()
}

// lateEvent lets the newest event become visible after a round has read those
// beside it, within the time that the reconciler allows for.
func (s *schedule) lateEvent(rt *rapid.T) {
	last := s.lastEvent()
	if last == "" {
		rt.Skip("no event yet")
	}
	s.hidden.Store(last)
	s.armed(rt, func() { _, _ = s.reconcile(context.Background()) })
	time.Sleep(rapid.SampledFrom([]time.Duration{time.Second, 3 * time.Minute}).Draw(rt, "late"))
	s.hidden.Store("")
}

// forge makes an intent whose metadata claims a user's payment: one of a customer
// that is nobody's, or of the user's own.
func (s *schedule) forge(rt *rapid.T) {
	u, cuid := s.anyUser(rt), rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "cuid")
	customer := s.stored(u).CustomerID
	if customer == "" || !s.lives(customer) || rapid.Bool().Draw(rt, "of a stranger") {
		customer = s.customerOf("")
	}
	m := metadata{"aaaaaaaaaaaaaaaaaaaaaaaa", u.id, "not " + cuid}
	if p, err := s.db.PaymentByCUID(context.Background(), u.id, cuid); err == nil {
		m.paymentID, m.cuid = p.ID, cuid
	}
	id := s.intentWith(customer, m)
	s.forged[id] = true
	s.armed(rt, func() { s.webhook(context.Background(), sandbox.Event{Type: "payment_intent.created"}, id) })
}

// atOnce lets two requests of any kind run at once, call by call in random order.
func (s *schedule) atOnce(rt *rapid.T) {
	one, other := s.anyRequest(rt), s.anyRequest(rt)
	s.armed(rt, func() {
		s.together(func(n int) int { return rapid.IntRange(0, n-1).Draw(rt, "turn") }, one, other)
	})
	s.unsettled = time.Now().Add(time.Minute)
}

func (s *schedule) anyRequest(rt *rapid.T) func(context.Context) {
	u := s.anyUser(rt)
	cuid := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "cuid")
	kind := rapid.SampledFrom([]string{"create", "confirm", "confirm", "reconcile", "rename", "webhook"}).Draw(rt, "request")
	if len(s.slips) == 0 && (kind == "confirm" || kind == "webhook") {
		kind = "create"
	}
	switch kind {
	case "confirm":
		p, card := s.anySlip(rt), rapid.SampledFrom(cards).Draw(rt, "card")
		return func(ctx context.Context) {
			_, _ = s.confirm(ctx, p.user, p.cuid, p.intentID, card, false)
		}
	case "reconcile":
		return func(ctx context.Context) { _, _ = s.reconcile(ctx) }
	case "rename":
		return s.at(func() { s.rename(u) })
	case "webhook":
		p := s.anySlip(rt)
		return func(ctx context.Context) {
			s.webhook(ctx, sandbox.Event{Type: "payment_intent.payment_failed"}, p.intentID)
		}
	}
	return func(ctx context.Context) { _, _ = s.create(ctx, u, cuid) }
}

// randomWebhook delivers any webhook that there ever was: late, again, or never.
func (s *schedule) randomWebhook(rt *rapid.T) {
	var ids []string
	for _, in := range s.box.Intents() {
		ids = append(ids, in.ID)
	}
	if len(ids) == 0 {
		rt.Skip("no event yet")
	}
	i := rapid.IntRange(0, len(ids)-1).Draw(rt, "intent")
	s.armed(rt, func() {
		s.webhook(context.Background(), sandbox.Event{Type: "payment_intent.succeeded"}, ids[i])
	})
}

// bank is the customer's side: a challenge is passed or failed, a debit settled
// or returned.
func (s *schedule) bank(rt *rapid.T) {
	p, well := s.anySlip(rt), rapid.Bool().Draw(rt, "well")
	if !time.Now().After(s.unsettled) {
		rt.Skip("a call may be under way on the intent")
	}
	switch s.intentAt(p.intentID).Status {
	case "requires_action":
		s.onceFree(func() error { return s.box.Challenge(p.intentID, well) })
	case "processing":
		s.onceFree(func() error { return s.box.Settle(p.intentID, well) })
	default:
		rt.Skip("nothing to do")
	}
}

// onceFree does what cannot be done while a call that somebody gave up on still
// holds the intent.
func (s *schedule) onceFree(do func() error) {
	err := do()
	for range 2 {
		if !errors.Is(err, sandbox.ErrBusy) {
			break
		}
		time.Sleep(time.Minute)
		err = do()
	}
	s.must(err)
}

// dashboard is somebody with access to the Stripe account.
func (s *schedule) dashboard(rt *rapid.T) {
	switch rapid.SampledFrom([]string{"intent", "cancel", "delete customer"}).Draw(rt, "in the dashboard") {
	case "intent":
		if id := s.stored(s.anyUser(rt)).CustomerID; id != "" && s.lives(id) {
			s.dashboardIntent(id)
		}
	case "cancel":
		p := s.anySlip(rt)
		if !time.Now().After(s.unsettled) {
			rt.Skip("a call may be under way on the intent")
		}
		if status := s.intentAt(p.intentID).Status; status != "succeeded" && status != "canceled" && status != "processing" {
			s.cancel(p.intentID)
		}
	case "delete customer":
		s.deleteCustomer(s.anyUser(rt))
	}
}

func (s *schedule) lives(customerID string) bool {
	for _, c := range s.box.Customers() {
		if c.ID == customerID {
			return !c.Deleted
		}
	}
	return false
}

// delete removes a user; their payments stay.
func (s *schedule) delete(rt *rapid.T) {
	if len(s.users) < 2 {
		rt.Skip("the last user")
	}
	i := rapid.IntRange(0, len(s.users)-1).Draw(rt, "user")
	s.remove(s.users[i])
	s.users = append(s.users[:i:i], s.users[i+1:]...)
	var kept []slip
	for _, p := range s.slips {
		if !p.user.deleted {
			kept = append(kept, p)
		}
	}
	s.slips = kept
}

// operator starts another process: with another clock, or another price.
func (s *schedule) operator(rt *rapid.T) {
	skew := rapid.SampledFrom([]time.Duration{-2 * time.Minute, 0, 2 * time.Minute}).Draw(rt, "skew")
	price := rapid.Int64Range(50, 5000).Draw(rt, "price")
	s.replace(s.start(func(c *payments.Config) {
		c.Clock = func() time.Time { return time.Now().Add(skew) }
		c.Amount = price
	}))
}
