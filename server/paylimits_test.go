package server_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// limitedBy fails the test unless the answer is a 429 with this code that says to
// wait for the rest of the hour, at most.
func (g answer) limitedBy(t *testing.T, code string) {
	t.Helper()
	g.problem(t, 429, code)
	wait, err := strconv.Atoi(g.header.Get("Retry-After"))
	if err != nil || wait < 1800 || wait > 3600 {
		t.Errorf("Retry-After is %q, want nearly the 3600 seconds of the window", g.header.Get("Retry-After"))
	}
}

// create creates a payment as if from this address.
func (a *api) createFrom(address string, who person, cuid string) answer {
	a.t.Helper()
	return a.from(address, request{method: "POST", path: "/payment", token: who.token, body: object{"cuid": cuid}})
}

func (a *api) confirmFrom(address string, who person, cuid, id, method string) answer {
	a.t.Helper()
	return a.from(address, request{method: "POST", path: "/payment/confirm", token: who.token,
		body: object{"cuid": cuid, "paymentId": id, "paymentMethodId": method}})
}

// inOrder names the cuids of a test.
func inOrder(n int) string { return fmt.Sprint("cuid-", n) }

const (
	someAddress  = "192.0.2.1"
	otherAddress = "192.0.2.2"
)

func TestUnconfirmedPaymentsOfOneUserAreLimited(t *testing.T) {
	t.Parallel()
	const limit = 50 // the default
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me, other := a.register(), a.register()
	ids := map[int]string{}
	for i := range limit {
		ids[i] = a.pay(me, inOrder(i))
	}
	a.createFrom(someAddress, me, "new").limitedBy(t, "too_many_unconfirmed_payments")
	a.createFrom(otherAddress, me, "new").limitedBy(t, "too_many_unconfirmed_payments")
	if _, err := a.store.PaymentByCUID(t.Context(), me.id, "new"); err == nil {
		t.Error("the payment that was refused is stored")
	}
	if n := len(a.box.Intents()); n != limit {
		t.Errorf("Stripe has %d intents, want %d", n, limit)
	}

	// Repetitions work and take no place; others are not affected.
	for range 3 {
		if got := a.pay(me, inOrder(7)); got != ids[7] {
			t.Errorf("the repeated create returned %s, want %s", got, ids[7])
		}
	}
	a.pay(other, "new")

	// A decline gives no place back, a success gives one.
	a.confirm(me, inOrder(0), ids[0], "pm_card_chargeDeclined").want(t, 402)
	a.createFrom(someAddress, me, "new").want(t, 429)
	for range 2 {
		a.confirm(me, inOrder(0), ids[0], "pm_card_visa").want(t, 201)
	}
	a.pay(me, "new")
	a.pay(me, "new")
	a.createFrom(someAddress, me, "one-more").limitedBy(t, "too_many_unconfirmed_payments")

	a.ahead.Add(int64(time.Hour))
	a.pay(me, "one-more")
}

// Whoever confirms what they create has no limit.
func TestConfirmedPaymentsAreNotLimited(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Unconfirmed: 2}))
	me := a.register()
	for i := range 10 {
		a.confirm(me, inOrder(i), a.pay(me, inOrder(i)), "pm_card_visa").want(t, 201)
	}
	a.pay(me, "first")
	a.pay(me, "second")
	a.createFrom(someAddress, me, "third").limitedBy(t, "too_many_unconfirmed_payments")
}

// A payment that its customer confirms at Stripe gives its place back when the
// webhook tells of it.
func TestAPaymentThatIsConfirmedAtStripeGivesItsPlaceBack(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, setup{change: func(c *server.Config) { c.Throttle = auth.ThrottleConfig{Unconfirmed: 1} }})
	me := a.register()
	id := a.pay(me, "first")
	a.post("/payment", me.token, object{"cuid": "second"}).want(t, 429)
	a.stripe("POST", "/v1/payment_intents/"+id+"/confirm", "payment_method=pm_card_visa")
	eventually(t, "a place for the second payment", func() bool {
		return a.post("/payment", me.token, object{"cuid": "second"}).status == 201
	})
	a.post("/payment", me.token, object{"cuid": "third"}).want(t, 429)
}

func TestCreatesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	const limit, clients = 5, 16
	a := startThrottled(t, throttled(auth.ThrottleConfig{Unconfirmed: limit}))
	atOnce := func(who person, cuid func(int) string) (count map[int]int) {
		statuses := make([]int, clients)
		var wg sync.WaitGroup
		for i := range statuses {
			wg.Go(func() {
				// 503 means: send it again.
				for statuses[i] = 503; statuses[i] == 503; {
					statuses[i] = a.post("/payment", who.token, object{"cuid": cuid(i)}).status
				}
			})
		}
		wg.Wait()
		count = map[int]int{}
		for _, status := range statuses {
			count[status]++
		}
		return count
	}
	me := a.register()
	if got := atOnce(me, inOrder); got[201] != limit || got[429] != clients-limit {
		t.Errorf("%d new payments at once: got %v, want %d times 201 and else 429", clients, got, limit)
	}

	// One payment that is asked for many times at once takes one place in the end.
	twin := a.register()
	atOnce(twin, func(int) string { return "same" })
	for i := range limit - 1 {
		a.pay(twin, inOrder(i))
	}
	a.createFrom(someAddress, twin, "one-more").limitedBy(t, "too_many_unconfirmed_payments")
}

// cards decline with a reason each.
var cards = map[string]string{
	"pm_card_visa_chargeDeclinedInsufficientFunds": "insufficient_funds",
	"pm_card_visa_chargeDeclinedLostCard":          "lost_card",
	"pm_card_chargeDeclinedExpiredCard":            "expired_card",
	"pm_card_chargeDeclinedIncorrectCvc":           "incorrect_cvc",
}

// Somebody who tries card after card on one payment learns the reasons of the first
// three, that two more were declined, and then nothing.
func TestCardsAreNotTestedOnOnePayment(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me := a.register()
	paid := a.pay(me, "paid")
	a.confirm(me, "paid", paid, "pm_card_visa").want(t, 201)
	id := a.pay(me, "tested")
	var told []string
	for range 75 {
		for card, reason := range cards {
			got := a.confirmFrom(someAddress, me, "tested", id, card)
			if got.status == 429 {
				got.limitedBy(t, "too_many_declines")
				continue
			}
			code := got.problem(t, 402, "payment_declined")["declineCode"]
			told = append(told, fmt.Sprint(code))
			if len(told) <= 3 && code != reason {
				t.Errorf("decline %d: declineCode is %v, want %s", len(told), code, reason)
			}
		}
	}
	if len(told) != 5 || told[3] != "generic_decline" || told[4] != "generic_decline" {
		t.Errorf("of 300 declines were told: %v, want 3 with their reason and 2 without", told)
	}
	if n := len(a.box.Charges()); n != 1+5 {
		t.Errorf("Stripe saw %d charges, want 1 that succeeded and 5 that failed", n)
	}
	t.Logf("300 confirmations of one payment: %d declines told, %q; Stripe saw %d of them", len(told), told, len(a.box.Charges())-1)

	// The reason that is stored stays for the operator.
	p, err := a.store.PaymentByIntent(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if p.DeclineCode == "generic_decline" || p.DeclineCode == "" && p.ErrorCode == "" {
		t.Errorf("the payment has the codes %q and %q, want Stripe's", p.ErrorCode, p.DeclineCode)
	}
	if code := cards["pm_card_visa_chargeDeclinedLostCard"]; strings.Count(a.logs.String(), code) > 0 {
		t.Errorf("the log has the reason %s", code)
	}

	// What has succeeded is returned as it is, and reads work.
	a.confirmFrom(someAddress, me, "paid", paid, "pm_card_visa").want(t, 201)
	a.get("/payment/"+id, me.token).want(t, 200)
	// After the hour the payment can be paid.
	a.ahead.Add(int64(time.Hour))
	a.confirmFrom(someAddress, me, "tested", id, "pm_card_visa").want(t, 201)
}

// declines confirms new payments of the user with a declining card until it is told
// no more, and returns how many were told with and without their reason.
func (a *api) declines(address string, who person) (reasons, others int) {
	a.t.Helper()
	for i := 0; ; i++ {
		id := a.createFrom(address, who, inOrder(i)).want(a.t, 201).text(a.t, "id")
		got := a.confirmFrom(address, who, inOrder(i), id, "pm_card_visa_chargeDeclinedInsufficientFunds")
		if got.status == 429 {
			a.t.Logf("%d declines with their reason and %d without, then 429", reasons, others)
			got.problem(a.t, 429, "too_many_declines")
			return reasons, others
		}
		if got.problem(a.t, 402, "payment_declined")["declineCode"] == "insufficient_funds" {
			reasons++
		} else {
			others++
		}
	}
}

func TestDeclinesOfOneUserAreLimited(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{}))
	me, other := a.register(), a.register()
	if reasons, others := a.declines(someAddress, me); reasons != 3 || others != 7 {
		t.Errorf("one user was told %d reasons and %d declines without, want 3 and 7", reasons, others)
	}
	good := a.createFrom(otherAddress, me, "good").want(t, 201).text(t, "id")
	a.confirmFrom(otherAddress, me, "good", good, "pm_card_visa").limitedBy(t, "too_many_declines")
	if reasons, _ := a.declines(otherAddress, other); reasons != 3 {
		t.Errorf("another user was told %d reasons, want 3", reasons)
	}
	a.ahead.Add(int64(time.Hour))
	a.confirmFrom(otherAddress, me, "good", good, "pm_card_visa").want(t, 201)
}

func TestDeclinesFromOneSiteAreLimited(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Declines: 3}))
	var reasons, others int
	for i := range 8 { // users of at most 3 declines each; the first 3 of the site may have a reason
		r, o := a.declines(fmt.Sprintf("2001:db8:0:%d::1", i), a.register())
		reasons, others = reasons+r, others+o
	}
	// The three users after the limit are told of their first.
	if reasons != 1 || reasons+others != 15+3 {
		t.Errorf("one site was told %d reasons and %d declines, want 1 and 18", reasons, reasons+others)
	}
	if r, _ := a.declines("2001:db8:1::1", a.register()); r != 1 {
		t.Errorf("another site was told %d reasons, want 1", r)
	}
}

// However many declines others have at an address, and however many of their
// confirmations are under way, a user behind it pays with a good card, again and again.
func TestDeclinesOfOthersRefuseNobody(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Declines: 2}))
	innocent, unlucky := a.register(), a.register()
	for range 8 { // 10 are the limit of the address
		a.declines(someAddress, a.register())
	}
	for i := range 3 {
		a.confirmFrom(someAddress, innocent, inOrder(i), a.pay(innocent, inOrder(i)), "pm_card_visa").want(t, 201)
	}
	bad := a.pay(unlucky, "bad")
	got := a.confirmFrom(someAddress, unlucky, "bad", bad, "pm_card_visa_chargeDeclinedInsufficientFunds").problem(t, 402, "payment_declined")
	if got["declineCode"] != "generic_decline" {
		t.Errorf("the first decline of a user has the declineCode %v, want generic_decline: the address has used up the reasons", got["declineCode"])
	}
	a.confirmFrom(someAddress, unlucky, "good", a.pay(unlucky, "good"), "pm_card_visa").limitedBy(t, "too_many_declines")
	a.confirmFrom(otherAddress, unlucky, "good2", a.pay(unlucky, "good2"), "pm_card_visa").want(t, 201)
}

// What tells a client to do something else than to try another card is still told.
func TestSomeReasonsStay(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Declines: 4}))
	me := a.register()
	for i, card := range []string{"pm_card_visa_chargeDeclinedLostCard", "pm_card_chargeDeclinedProcessingError", "pm_card_radarBlock"} {
		want := []string{"lost_card", "processing_error", "generic_decline"}[i]
		got := a.confirmFrom(someAddress, me, card, a.pay(me, card), card).problem(t, 402, "payment_declined")["declineCode"]
		if got != want {
			t.Errorf("decline %d, of %s: declineCode is %v, want %s", i+1, card, got, want)
		}
	}
}

// Cards that are tried at once give no more away than cards in turn, and reach
// Stripe no more often.
func TestDeclinesAtOnceAreCountedExactly(t *testing.T) {
	t.Parallel()
	const limit, clients = 6, 16
	a := startThrottled(t, throttled(auth.ThrottleConfig{Declines: limit}))
	me := a.register()
	ids := make([]string, clients)
	for i := range ids {
		ids[i] = a.pay(me, inOrder(i))
	}
	var mu sync.Mutex
	count := map[string]int{}
	var wg sync.WaitGroup
	for i, id := range ids {
		wg.Go(func() {
			got := a.confirmFrom(someAddress, me, inOrder(i), id, "pm_card_visa_chargeDeclinedInsufficientFunds").object(t)
			mu.Lock()
			defer mu.Unlock()
			count[fmt.Sprint(got["code"], " ", got["declineCode"])]++
		})
	}
	wg.Wait()
	if told := count["payment_declined insufficient_funds"] + count["payment_declined generic_decline"]; told > limit || count["payment_declined insufficient_funds"] > limit/3 {
		t.Errorf("%d cards at once: %v, want at most %d declines told, %d with the reason", clients, count, limit, limit/3)
	}
	if n := len(a.box.Charges()); n > limit {
		t.Errorf("Stripe saw %d of %d cards, want at most %d", n, clients, limit)
	}
	t.Logf("%d cards at once: %v; Stripe saw %d", clients, count, len(a.box.Charges()))
}

// A decline that many clients ask for at once is one decline.
func TestARepeatedDeclineCountsOnce(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Declines: 100}))
	me := a.register()
	id := a.pay(me, "same")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() { a.confirmFrom(someAddress, me, "same", id, "pm_card_visa_chargeDeclinedInsufficientFunds") })
	}
	wg.Wait()
	failed, charges := 0, a.box.Charges()
	for _, c := range charges {
		if c.Status == "failed" {
			failed++
		}
	}
	// Each charge that failed is counted; answers that repeat it are not.
	counted := 0
	for a.confirmFrom(someAddress, me, "same", id, "pm_card_visa_chargeDeclinedInsufficientFunds").status != 429 {
		counted++
	}
	if got := 50 - counted; got != failed {
		t.Errorf("%d declines were counted, want the %d that Stripe made", got, failed)
	}
}

// Without counts nothing new is created and nothing confirmed.
func TestPaymentLimitsNeedTheDatabase(t *testing.T) {
	t.Parallel()
	faulty := &countsFail{}
	s := throttled(auth.ThrottleConfig{})
	s.wrap = func(db store.Store) store.Store { faulty.Store = db; return faulty }
	a := startThrottled(t, s)
	me := a.register()
	id := a.pay(me, "old")
	faulty.call = "CountAttempt"
	a.createFrom(someAddress, me, "new").problem(t, 503, "database_unavailable")
	a.createFrom(someAddress, me, "old").want(t, 201)
	a.confirmFrom(someAddress, me, "old", id, "pm_card_chargeDeclined").problem(t, 503, "database_unavailable")
	faulty.call = "Attempts"
	a.confirmFrom(someAddress, me, "old", id, "pm_card_visa").problem(t, 503, "database_unavailable")
	faulty.call = "UncountAttempt" // the payment has succeeded all the same
	a.confirmFrom(someAddress, me, "old", id, "pm_card_visa").want(t, 201)
}

func (c *countsFail) UncountAttempt(ctx context.Context, key string) error {
	if err := c.fault("UncountAttempt"); err != nil {
		return err
	}
	return c.Store.UncountAttempt(ctx, key)
}
