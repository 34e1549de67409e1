package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

const password = "chaos-horse-battery"

// buyer is a client with a user of its own.
type buyer struct {
	system *system
	name   string
	email  string
	id     string
	api    *client.ClientWithResponses
	// random is for what this buyer does beside paying.
	random    *rand.Rand
	purchases []*purchase
}

// trade lets all clients make all payments.
func (s *system) trade() []*buyer {
	buyers := make([]*buyer, s.clients)
	var working sync.WaitGroup
	for i := range buyers {
		b := &buyer{
			system: s, random: s.source("buyer", i),
			name: fmt.Sprintf("Buyer %d", i), email: fmt.Sprintf("buyer%d%s", i, mailDomain),
		}
		buyers[i] = b
		working.Go(b.work)
	}
	working.Wait()
	return buyers
}

// work registers and pays until enough payments have been begun.
func (b *buyer) work() {
	s := b.system
	if !b.register() {
		return
	}
	for s.ctx.Err() == nil {
		n := int(s.begun.Add(1)) - 1
		if n >= s.payments {
			return
		}
		b.buy(n)
		b.idle()
	}
}

// register registers, or logs in if an earlier try has registered already.
func (b *buyer) register() bool {
	plain, err := client.NewClientWithResponses("http://"+b.system.apiFront.address(), client.WithHTTPClient(newLine(b.system)))
	if err != nil {
		b.system.verdict.violate("the test itself failed: %v", err)
		return false
	}
	var token string
	for token == "" {
		r, ok := persist(b, "register", func(ctx context.Context) (*client.UserControllerRegisterResponse, error) {
			return plain.UserControllerRegisterWithResponse(ctx, client.CreateUserDto{UserName: b.name, Email: b.email, Password: password})
		})
		if !ok {
			return false
		}
		if r.JSON201 != nil {
			token = r.JSON201.AccessToken
			continue
		}
		in, ok := persist(b, "log in", func(ctx context.Context) (*client.UserControllerLoginResponse, error) {
			return plain.UserControllerLoginWithResponse(ctx, client.LoginUserDto{Email: b.email, Password: password})
		})
		if !ok {
			return false
		}
		if r.StatusCode() != http.StatusConflict || in.JSON201 == nil {
			b.system.verdict.violate("register: %d, then log in: %d; want 201, or 409 and 201", r.StatusCode(), in.StatusCode())
			return false
		}
		token = in.JSON201.AccessToken
	}
	b.api, err = client.NewClientWithResponses("http://"+b.system.apiFront.address(), client.WithHTTPClient(newLine(b.system)),
		client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
			r.Header.Set("Authorization", "Bearer "+token)
			return nil
		}))
	if err != nil {
		b.system.verdict.violate("the test itself failed: %v", err)
		return false
	}
	return b.whoAmI()
}

// whoAmI learns the buyer's id.
func (b *buyer) whoAmI() bool {
	r, ok := persist(b, "list users", func(ctx context.Context) (*client.UserControllerFindAllResponse, error) {
		return b.api.UserControllerFindAllWithResponse(ctx, nil)
	})
	if !ok {
		return false
	}
	if r.JSON200 == nil || len(*r.JSON200) != 1 || (*r.JSON200)[0].Email != b.email {
		b.system.verdict.violate("list users: status %d, want the one that has registered: %s", r.StatusCode(), r.Body)
		return false
	}
	b.id = (*r.JSON200)[0].UserID
	return true
}

// maxTries is how often a client sends one request, with a pause of up to the
// Retry-After between: the longest outage is over long before.
const maxTries = 30

// persist sends a request until it is answered by anything but a server error,
// as the contract tells clients to. It returns false if the run has ended or
// there was never an answer, which is a violation.
func persist[R any](b *buyer, what string, send func(context.Context) (R, error)) (answer R, ok bool) {
	s := b.system
	began := time.Now()
	var err error
	for try := range maxTries {
		if answer, err = send(s.ctx); err == nil {
			s.figures.took("wait for an answer", time.Since(began))
			return answer, true
		}
		if s.ctx.Err() != nil {
			return answer, false
		}
		wait := min(50*time.Millisecond<<min(try, 6), 2*time.Second)
		var again *againError
		if errors.As(err, &again) {
			s.figures.add("retries after a server error", 1)
			wait = max(again.after, time.Second)
		} else {
			s.figures.add("retries after a broken connection", 1)
		}
		pause(s.ctx, wait+rand.N(wait/4))
	}
	s.verdict.violate("%s: no answer after %d tries and %s; the last: %v\n%s", what, maxTries, time.Since(began), err, s.logs.of(b.id))
	s.verdict.end()
	return answer, false
}

// idle is what clients do between payments: they list, pry, and change their
// name and address.
func (b *buyer) idle() {
	switch n := b.random.IntN(100); {
	case n < 40:
		b.checkList(b.list())
	case n < 45:
		b.pry()
	case n < 48:
		b.move()
	}
}

// glimpse is a payment, and whose.
type glimpse struct{ owner, id string }

// pry reads another's payment.
func (b *buyer) pry() {
	other := b.system.glimpse.Load()
	if other == nil || other.owner == b.id {
		return
	}
	r, ok := persist(b, "read another's payment", func(ctx context.Context) (*client.PaymentControllerGetPaymentResponse, error) {
		return b.api.PaymentControllerGetPaymentWithResponse(ctx, other.id)
	})
	if ok && r.StatusCode() != http.StatusNotFound {
		b.system.verdict.violate("another's payment %s: status %d, want 404: %s", other.id, r.StatusCode(), r.Body)
	}
}

// move changes name and address, which Stripe has to learn.
func (b *buyer) move() {
	name, email := b.name+"'", "m"+b.email
	r, ok := persist(b, "change user", func(ctx context.Context) (*client.UserControllerUpdateResponse, error) {
		return b.api.UserControllerUpdateWithResponse(ctx, b.id, client.UpdateUserDto{UserName: &name, Email: &email})
	})
	if !ok {
		return
	}
	if r.JSON200 == nil || r.JSON200.UserName != name || r.JSON200.Email != email {
		b.system.verdict.violate("change user: status %d, want the user with the new name and address: %s", r.StatusCode(), r.Body)
	}
	b.name, b.email = name, email
	b.system.figures.add("users changed", 1)
}

// list returns all of the buyer's payments, page by page.
func (b *buyer) list() (all []client.ReturnPaymentDto, started time.Time, ok bool) {
	const limit = 50
	started = time.Now()
	params := &client.PaymentControllerGetPaymentsParams{}
	size := client.Limit(limit)
	params.Limit = &size
	for {
		r, ok := persist(b, "list payments", func(ctx context.Context) (*client.PaymentControllerGetPaymentsResponse, error) {
			return b.api.PaymentControllerGetPaymentsWithResponse(ctx, params)
		})
		if !ok {
			return nil, started, false
		}
		if r.JSON200 == nil {
			b.system.verdict.violate("list payments: status %d, want 200: %s", r.StatusCode(), r.Body)
			return nil, started, false
		}
		all = append(all, *r.JSON200...)
		next := cursorIn(r.HTTPResponse.Header.Get("Link"))
		if next == "" {
			return all, started, true
		}
		cursor := client.Cursor(next)
		params.Cursor = &cursor
	}
}

// checkList holds a list against what the buyer was told before it asked.
func (b *buyer) checkList(all []client.ReturnPaymentDto, asked time.Time, ok bool) {
	if !ok {
		return
	}
	seen := map[string]int{}
	for _, dto := range all {
		seen[dto.ID]++
		for _, p := range b.purchases {
			if p.id == dto.ID {
				b.take(p, "list payments", asked, told{dto.ID, dto.Amount, dto.Currency, dto.Status})
			}
		}
	}
	for _, p := range b.purchases {
		if n := seen[p.id]; p.id != "" && n != 1 {
			b.system.verdict.violate("list payments: payment %s is there %d times, want once\n%s", p.id, n, b.system.evidence(p.id))
		}
	}
}
