package chaos_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
)

// Statuses that payments end in here.
const (
	succeeded   = "succeeded"
	needsMethod = "requires_payment_method"
	needsAction = "requires_action"
	processing  = "processing"
)

// card is a payment method and what it does.
type card struct {
	token string
	// status is of the payment after a confirmation; "" if there is none.
	status string
	// decline is the code that the client is told; "" if the card is good.
	decline string
}

var (
	good    = card{token: "pm_card_visa", status: succeeded}
	other   = card{token: "pm_card_mastercard", status: succeeded}
	secure  = card{token: "pm_card_threeDSecure2Required", status: needsAction}
	broke   = card{token: "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds", status: needsAction}
	debit   = card{token: "pm_sandbox_debit", status: processing}
	unknown = card{token: unknownCard}
	bad     = []card{
		{token: "pm_card_visa_chargeDeclined", decline: "generic_decline"},
		{token: "pm_card_visa_chargeDeclinedInsufficientFunds", decline: "insufficient_funds"},
		{token: "pm_card_visa_chargeDeclinedLostCard", decline: "lost_card"},
		{token: "pm_card_chargeDeclinedExpiredCard", decline: "expired_card"},
		{token: "pm_card_chargeDeclinedProcessingError", decline: "processing_error"},
		{token: "pm_card_radarBlock", decline: "fraudulent"},
	}
)

const unknownCard = "pm_nobodyKnowsThisOne"

// plan is what a client does with a payment that it has created.
type plan struct {
	name string
	// weight is how often it is picked, beside the others.
	weight int
	// end is the status at Stripe when it has been carried out.
	end      string
	carryOut func(*steps)
}

var plans = []plan{
	{"pays", 35, succeeded, func(s *steps) { s.confirm(good) }},
	{"takes another card after a decline", 14, succeeded, func(s *steps) { s.confirm(s.bad()); s.confirm(good) }},
	{"is declined twice by one card and once by another", 4, succeeded, func(s *steps) {
		first := s.bad()
		s.confirm(first)
		s.confirm(first)
		s.confirm(s.bad())
		s.confirm(other)
	}},
	{"gives up after a decline", 4, needsMethod, func(s *steps) { s.confirm(s.bad()) }},
	{"passes 3-D Secure", 6, succeeded, func(s *steps) { s.confirm(secure); s.pass() }},
	{"passes 3-D Secure and confirms again", 4, succeeded, func(s *steps) { s.confirm(secure); s.pass(); s.confirm(secure) }},
	{"fails 3-D Secure and passes it with the same card", 4, succeeded, func(s *steps) {
		s.confirm(secure)
		s.failChallenge()
		s.confirm(secure)
		s.pass()
	}},
	{"fails 3-D Secure and takes another card", 3, succeeded, func(s *steps) { s.confirm(secure); s.failChallenge(); s.confirm(good) }},
	{"passes 3-D Secure, is declined and takes another card", 3, succeeded, func(s *steps) {
		s.confirm(broke)
		s.passChallenge()
		s.confirm(good)
	}},
	{"fails 3-D Secure and gives up", 2, needsMethod, func(s *steps) { s.confirm(secure); s.failChallenge() }},
	{"leaves at 3-D Secure", 2, needsAction, func(s *steps) { s.confirm(secure) }},
	{"has a debit carried out", 5, succeeded, func(s *steps) { s.confirm(debit); s.settle(true) }},
	{"has a debit returned and takes a card", 3, succeeded, func(s *steps) { s.confirm(debit); s.settle(false); s.confirm(good) }},
	{"has a debit returned", 1, needsMethod, func(s *steps) { s.confirm(debit); s.settle(false) }},
	{"leaves with a debit under way", 2, processing, func(s *steps) { s.confirm(debit) }},
	{"pays with two cards at once", 4, succeeded, func(s *steps) {
		s.atOnce(func() { s.confirm(good) }, func() { s.confirm(other) })
	}},
	{"pays with a good and a bad card at once", 4, succeeded, func(s *steps) {
		s.purchase.begin()
		declined := s.bad()
		s.atOnce(func() { s.confirm(good) }, func() { s.confirm(declined) })
	}},
	{"pays again what is paid", 3, succeeded, func(s *steps) { s.confirm(good); s.confirm(other); s.confirm(s.bad()); s.create() }},
	{"uses what is no card", 2, succeeded, func(s *steps) { s.confirm(unknown); s.confirm(good) }},
	{"never pays", 3, needsMethod, func(*steps) {}},
}

// pick picks a plan.
func pick(random *rand.Rand) plan {
	total := 0
	for _, p := range plans {
		total += p.weight
	}
	n := random.IntN(total)
	for _, p := range plans {
		if n -= p.weight; n < 0 {
			return p
		}
	}
	panic("unreachable: n is less than the sum of all weights")
}

// steps carries out one plan. After a failure the rest is left out.
type steps struct {
	buyer    *buyer
	purchase *purchase
	failed   atomic.Bool

	mu     sync.Mutex
	random *rand.Rand
}

func (s *steps) draw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

func (s *steps) bad() card { return bad[s.draw(len(bad))] }

// maybeTwice does something, and one time in seven twice at once: a double
// click, or a client that did not wait.
func (s *steps) maybeTwice(do func()) {
	if s.draw(7) == 0 {
		s.buyer.system.figures.add("requests sent twice at once", 1)
		s.atOnce(do, do)
		return
	}
	s.atOnce(do)
}

func (s *steps) atOnce(all ...func()) {
	var doing sync.WaitGroup
	for _, do := range all {
		doing.Go(func() {
			if !s.failed.Load() {
				do()
			}
		})
	}
	doing.Wait()
}

// fail ends the plan with a violation.
func (s *steps) fail(format string, args ...any) {
	s.purchase.mu.Lock()
	defer s.purchase.mu.Unlock()
	s.failLocked(format, args...)
}

func (s *steps) failLocked(format string, args ...any) {
	s.failed.Store(true)
	v := s.buyer.system
	args = append([]any{s.purchase.plan.name, s.purchase.cuid}, args...)
	args = append(args, v.evidence(s.purchase.id))
	v.verdict.violate("a client that %s, cuid %s: "+format+"\n%s", args...)
}
