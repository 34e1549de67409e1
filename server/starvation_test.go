package server_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient"
)

// asStripeAllows is a client with the limits of production.
func asStripeAllows(c *stripeclient.Config) { c.RatePerSecond = 20 }

// slowestCreate creates payments, one after the other, and returns the longest time
// that one took. The first makes the customer.
func (a *api) slowestCreate(who person, n int) (slowest time.Duration) {
	a.t.Helper()
	for i := range n {
		start := time.Now()
		a.post("/payment", who.token, object{"cuid": fmt.Sprintf("payer%d", i)}).want(a.t, 201)
		slowest = max(slowest, time.Since(start))
	}
	return slowest
}

// generous is far more than a payer's create takes, for machines that are busy. What
// it takes is in the log.
const generous = 10 * time.Second

func TestTwoUsersWhoRepeatACreateDelayNobodyElse(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true, stripe: asStripeAllows})
	payer := a.register()
	stop := make(chan struct{})
	var attack, requests sync.WaitGroup
	defer func() {
		close(stop)
		attack.Wait()
		requests.Wait()
	}()
	for _, attacker := range []person{a.register(), a.register()} {
		a.pay(attacker, "again")
		attack.Go(func() {
			pace := time.NewTicker(time.Second / 25)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
					requests.Go(func() { a.post("/payment", attacker.token, object{"cuid": "again"}) })
				}
			}
		})
	}
	// Long enough for the attackers to use up what may be sent at once, and to wait.
	full := func() bool {
		return len(a.box.Requests()) > 0 && a.measured("nestpayments_stripe_call_duration_seconds", []string{"get_intent", "ok"}) > 60
	}
	eventually(t, "the attackers use the whole rate", full)
	slowest := a.slowestCreate(payer, 10)
	t.Logf("slowest create of a payer beside two users who repeat a create 25 times a second: %v", slowest)
	if slowest > generous {
		t.Errorf("a create took %v", slowest)
	}
}

func TestAFloodOfForeignEventsDelaysNoPayer(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true, stripe: asStripeAllows})
	payer := a.register()
	var foreign []string
	for range 40 {
		foreign = append(foreign, a.stripe("POST", "/v1/payment_intents", "amount=500&currency=usd").want(t, 200).text(t, "id"))
	}
	var events sync.WaitGroup
	for _, id := range foreign {
		events.Go(func() {
			if got := a.event("payment_intent.succeeded", id); got.status != 204 {
				t.Errorf("a foreign event got status %d: %s", got.status, got.body)
			}
		})
	}
	slowest := a.slowestCreate(payer, 10)
	t.Logf("slowest create of a payer beside 40 events of foreign intents at once: %v", slowest)
	if slowest > generous {
		t.Errorf("a create took %v", slowest)
	}
	events.Wait()
}
