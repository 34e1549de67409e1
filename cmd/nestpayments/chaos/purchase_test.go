package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

// purchase is one payment as its client sees it.
type purchase struct {
	plan plan
	cuid string
	// finished once the plan has been carried out.
	finished bool

	mu sync.Mutex
	// What the client was told when it created the payment; id is "" before.
	id       string
	amount   int64
	currency string
	// paidAt is when the client was first told that the payment succeeded.
	paidAt time.Time
	// mayBePaid: something that can pay it has been begun.
	mayBePaid bool
	// declines are the decline codes that the client was told.
	declines []string
}

// told is what an answer says of a payment.
type told struct {
	id       string
	amount   int64
	currency string
	status   string
}

// take holds an answer to a question of the given time against what was told
// before.
func (b *buyer) take(p *purchase, what string, asked time.Time, t told) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == "" {
		p.id, p.amount, p.currency = t.id, t.amount, t.currency
		b.system.glimpse.Store(&glimpse{b.id, t.id})
	}
	if t.id != p.id || t.amount != p.amount || t.currency != p.currency {
		b.system.verdict.violate("%s: the client was told that cuid %s is %s of %d %s, and then %s of %d %s\n%s", what, p.cuid,
			p.id, p.amount, p.currency, t.id, t.amount, t.currency, b.system.evidence(p.id))
	}
	if !p.paidAt.IsZero() && asked.After(p.paidAt) && t.status != succeeded {
		b.system.verdict.violate("%s: payment %s is %s after the client was told that it succeeded\n%s", what, p.id, t.status, b.system.evidence(p.id))
	}
	if t.status == succeeded && p.paidAt.IsZero() {
		p.paidAt = time.Now()
		if !p.mayBePaid {
			b.system.verdict.violate("%s: payment %s succeeded before anybody paid\n%s", what, p.id, b.system.evidence(p.id))
		}
	}
}

// buy makes the nth payment of all.
func (b *buyer) buy(n int) {
	random := b.system.source("payment", n)
	p := &purchase{plan: pick(random), cuid: fmt.Sprintf("c%023x%d", random.Uint64(), n)}
	b.purchases = append(b.purchases, p)
	b.system.figures.add("payments", 1)
	s := &steps{buyer: b, purchase: p, random: random}
	s.create()
	if s.failed.Load() {
		return
	}
	p.plan.carryOut(s)
	if s.draw(2) == 0 {
		s.read()
	}
	p.finished = !s.failed.Load()
}

// create creates the payment, sometimes twice at once.
func (s *steps) create() {
	b, p := s.buyer, s.purchase
	s.maybeTwice(func() {
		asked := time.Now()
		r, ok := persist(b, "create payment", func(ctx context.Context) (*client.PaymentControllerCreatePaymentResponse, error) {
			return b.api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: p.cuid})
		})
		switch {
		case !ok:
			s.failed.Store(true)
		case r.JSON201 == nil:
			s.fail("create payment: status %d, want 201: %s", r.StatusCode(), r.Body)
		case !strings.HasPrefix(r.JSON201.ClientSecret, r.JSON201.ID+"_secret_"):
			s.fail("create payment: the client secret is not of %s", r.JSON201.ID)
		default:
			dto := r.JSON201
			b.take(p, "create payment", asked, told{dto.ID, dto.Amount, dto.Currency, dto.Status})
		}
	})
}

// confirm charges the payment to a card, and takes nothing but what that card
// does for an answer. It may be sent twice at once.
func (s *steps) confirm(c card) { s.maybeTwice(func() { s.confirmOnce(c) }) }

func (s *steps) confirmOnce(c card) {
	b, p := s.buyer, s.purchase
	if c.status == succeeded {
		p.begin()
	}
	asked := time.Now()
	r, ok := persist(b, "confirm payment", func(ctx context.Context) (*client.PaymentControllerConfirmPaymentResponse, error) {
		return b.api.PaymentControllerConfirmPaymentWithResponse(ctx,
			client.ConfirmPaymentDto{CUID: p.cuid, PaymentID: p.id, PaymentMethodID: c.token})
	})
	if !ok {
		s.failed.Store(true)
		return
	}
	switch {
	case r.JSON201 != nil:
		dto := r.JSON201
		if dto.Status != c.status && (dto.Status != succeeded || !p.begun()) {
			s.fail("confirm with %s: status %q, want %q", c.token, dto.Status, c.status)
			return
		}
		b.take(p, "confirm payment", asked, told{dto.ID, dto.Amount, dto.Currency, dto.Status})
	case r.ApplicationProblemJSON402 != nil:
		s.declined(c, asked, deref(r.ApplicationProblemJSON402.DeclineCode))
	case r.StatusCode() != http.StatusUnprocessableEntity || c.token != unknownCard:
		s.fail("confirm with %s: status %d: %s", c.token, r.StatusCode(), r.Body)
	}
}

// declined takes a decline from a card that declines, and while the payment is
// not paid.
func (s *steps) declined(c card, asked time.Time, code string) {
	p := s.purchase
	p.mu.Lock()
	defer p.mu.Unlock()
	p.declines = append(p.declines, code)
	s.buyer.system.figures.add("declines told", 1)
	if c.decline == "" || code != c.decline {
		s.failLocked("the client was told that %s was declined with %q, want %q", c.token, code, c.decline)
	}
	if !p.paidAt.IsZero() && asked.After(p.paidAt) {
		s.failLocked("the client was told of a decline (%s) after it was told that the payment succeeded", c.token)
	}
}

// pass is the customer who passes 3-D Secure, which pays, and then looks.
func (s *steps) pass() {
	s.purchase.begin()
	s.passChallenge()
	s.read()
}

func (s *steps) passChallenge() {
	s.act("pass 3-D Secure", func(ctx context.Context) error { return s.buyer.system.stripe.challenge(ctx, s.purchase.id, true) })
}

func (s *steps) failChallenge() {
	s.act("fail 3-D Secure", func(ctx context.Context) error { return s.buyer.system.stripe.challenge(ctx, s.purchase.id, false) })
}

func (s *steps) settle(succeed bool) {
	if succeed {
		s.purchase.begin()
	}
	s.act("settle", func(ctx context.Context) error { return s.buyer.system.stripe.settle(ctx, s.purchase.id, succeed) })
}

// act does something at Stripe that the answers so far allow.
func (s *steps) act(what string, do func(context.Context) error) {
	if s.failed.Load() {
		return
	}
	if err := do(s.buyer.system.ctx); err != nil && s.buyer.system.ctx.Err() == nil {
		s.fail("%s: %v", what, err)
	}
}

// read reads the payment.
func (s *steps) read() {
	b, p := s.buyer, s.purchase
	asked := time.Now()
	r, ok := persist(b, "read payment", func(ctx context.Context) (*client.PaymentControllerGetPaymentResponse, error) {
		return b.api.PaymentControllerGetPaymentWithResponse(ctx, p.id)
	})
	switch {
	case !ok:
		s.failed.Store(true)
	case r.JSON200 == nil:
		s.fail("read payment: status %d, want 200: %s", r.StatusCode(), r.Body)
	default:
		dto := r.JSON200
		b.take(p, "read payment", asked, told{dto.ID, dto.Amount, dto.Currency, dto.Status})
	}
}

// begin notes that the payment may be paid from now on.
func (p *purchase) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mayBePaid = true
}

func (p *purchase) begun() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mayBePaid
}

// paid tells whether the client was told so.
func (p *purchase) paid() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.paidAt.IsZero()
}

// evidence is what the logs and the journal have about a payment.
func (s *system) evidence(id string) string {
	if id == "" {
		return ""
	}
	text := s.logs.of(id)
	charges, err := s.stripe.charges(s.ctx)
	if err != nil {
		return text
	}
	for _, c := range slices.DeleteFunc(charges, func(c charge) bool { return c.Intent != id }) {
		text += fmt.Sprintf("journal: %+v\n", c)
	}
	return text
}

// cursorIn returns the cursor of a Link header, or "".
func cursorIn(link string) string {
	link, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
	u, err := url.Parse(link)
	if err != nil {
		return ""
	}
	return u.Query().Get("cursor")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
