package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/nestpayments/nestpayments/gen/client"
)

// journey is what somebody does from arrival to end. It ends early at the first
// wrong answer.
type journey struct {
	name string
	// weight is the one that it has unless the mix is given.
	weight int
	run    func(ctx context.Context, v *visit) error
}

// journeys are all that there are. A login or a registration costs the server a
// password hash, tens of times what a read costs: so most come with a token that
// they still have.
func journeys() []journey {
	return []journey{
		{"buyer", 4, buy},
		{"newcomer", 1, joinAndBuy},
		{"reader", 10, lookAround},
		{"retrier", 2, retry},
		{"declined", 2, beRefused},
		{"owner", 1, ownAccount},
	}
}

func journeyNames() []string {
	var names []string
	for _, j := range journeys() {
		names = append(names, j.name)
	}
	return names
}

// defaultMix is every journey by its weight, as the flag is written.
func defaultMix() string {
	var pairs []string
	for _, j := range journeys() {
		pairs = append(pairs, fmt.Sprintf("%s=%d", j.name, j.weight))
	}
	return strings.Join(pairs, ",")
}

// buy is what a known user does: log in, create a payment, read it, confirm it,
// and see it on the list.
func buy(ctx context.Context, v *visit) error { return v.buyAs(ctx, v.cast.someone(v.rand)) }

// joinAndBuy is the same by somebody who registers first.
func joinAndBuy(ctx context.Context, v *visit) error {
	p := v.cast.newcomer(v.name)
	if err := v.register(ctx, p); err != nil {
		return err
	}
	return v.buyAs(ctx, p)
}

// buyAs leaves the token of the login on a copy: a known user is many people's.
func (v *visit) buyAs(ctx context.Context, known *person) error {
	session := &person{name: known.name, email: known.email, password: known.password}
	if err := v.login(ctx, session); err != nil {
		return err
	}
	p := payment{cuid: v.name, number: known.begun.Add(1)}
	if err := v.create(ctx, session, &p, statusOpen); err != nil {
		return err
	}
	if err := v.readPayment(ctx, session, p, statusOpen); err != nil {
		return err
	}
	if err := v.pay(ctx, session, p); err != nil {
		return err
	}
	const limit = 100
	_, err := v.page(ctx, session, limit, "", known.find(p, limit))
	return err
}

// pageSize is how many payments a returning reader asks for at once, and
// readPages how many pages are read at most. Known users have more than one.
const (
	pageSize  = 10
	readPages = 3
)

// lookAround is a known user's who still has a token: read oneself, then the list
// page by page. No payment may come twice.
func lookAround(ctx context.Context, v *visit) error {
	p := v.cast.someone(v.rand)
	if err := v.readUser(ctx, p); err != nil {
		return err
	}
	seen := map[string]bool{}
	cursor := ""
	for page := range readPages {
		next, err := v.page(ctx, p, pageSize, cursor, func(list []client.ReturnPaymentDto) string {
			if page == 0 && len(list) < pageSize {
				return "less than the user's payments"
			}
			for _, l := range list {
				if l.ID == "" || seen[l.ID] {
					return "a payment twice, or one without an id"
				}
				seen[l.ID] = true
			}
			return ""
		})
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
	return nil
}

// retry is a known user's whose client does everything again: at the same time, or
// after the connection was lost with the request on its way. All that comes back
// must be one payment, which is paid in the end.
func retry(ctx context.Context, v *visit) error {
	by := v.cast.someone(v.rand)
	lossy := v.rand.IntN(2) == 0
	one, other, err := v.createAgain(ctx, by, lossy)
	if err != nil {
		return err
	}
	if err := v.payAgain(ctx, by, one, lossy); err != nil {
		return err
	}
	// Were the two not the same, the other would not be paid.
	if err := v.create(ctx, by, &other, statusSucceeded); err != nil {
		return err
	}
	return v.readPayment(ctx, by, other, statusSucceeded)
}

// createAgain returns the payment as each of the two requests has answered it.
func (v *visit) createAgain(ctx context.Context, by *person, lossy bool) (one, other payment, err error) {
	p := payment{cuid: v.name, number: by.begun.Add(1)}
	if !lossy {
		answers := [2]payment{p, p}
		err = v.twice(func(v *visit, i int) error { return v.create(ctx, by, &answers[i], statusOpen) })
		return answers[0], answers[1], err
	}
	err = v.abandon(ctx, func(ctx context.Context) {
		_, _ = v.api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: p.cuid}, as(by))
	})
	if err == nil {
		err = v.create(ctx, by, &p, statusOpen)
	}
	return p, p, err
}

func (v *visit) payAgain(ctx context.Context, by *person, p payment, lossy bool) error {
	if !lossy {
		return v.twice(func(v *visit, _ int) error { return v.pay(ctx, by, p) })
	}
	err := v.abandon(ctx, func(ctx context.Context) {
		_, _ = v.api.PaymentControllerConfirmPaymentWithResponse(ctx, p.confirmation(goodCard), as(by))
	})
	if err != nil {
		return err
	}
	return v.pay(ctx, by, p)
}

// beRefused is a known user's whose card has no funds: the payment stays open.
func beRefused(ctx context.Context, v *visit) error {
	by := v.cast.someone(v.rand)
	p := payment{cuid: v.name, number: by.begun.Add(1)}
	if err := v.create(ctx, by, &p, statusOpen); err != nil {
		return err
	}
	if err := v.beDeclined(ctx, by, p); err != nil {
		return err
	}
	return v.readPayment(ctx, by, p, statusOpen)
}

// ownAccount is that of somebody who registers, changes the name, and leaves.
func ownAccount(ctx context.Context, v *visit) error {
	p := v.cast.newcomer(v.name)
	for _, step := range []func(context.Context, *person) error{
		v.register,
		v.identify,
		func(ctx context.Context, p *person) error { return v.rename(ctx, p, "Renamed "+p.name) },
		v.readUser,
		v.remove,
		v.readGone,
	} {
		if err := step(ctx, p); err != nil {
			return err
		}
	}
	return nil
}
