package main

import (
	"database/sql"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/sqlite"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// population is a system whose database has n users, n payments and n counts of
// attempts, of which some can be used.
//
// User i has the payment i, but every tenth: those users were made by user 1, and
// the payments belong to user 0. User 2 is the admin. Ids are in order of creation;
// emails, intents and customers are in none.
type population struct {
	*system
	n       int
	db      *sqlite.Store
	members []*member
	// payer, creator and admin are the tokens of users 0, 1 and 2.
	payer, creator, admin string
	// gone are the numbers of the users who were removed.
	gone map[int]bool
}

// member is a user chosen at random who can pay: Stripe knows it and the intent of
// its payment, which waits to be confirmed.
type member struct {
	number                      int
	id, token, customer, intent string
}

const everyTenth = 10

func userID(i int) string    { return fmt.Sprintf("%08xa%015x", 0x60000000+i, i) }
func paymentID(i int) string { return fmt.Sprintf("%08xb%015x", 0x60000000+i, i) }

// scattered is a number in no order, as text.
func scattered(i int) string {
	h := fnv.New64a()
	fmt.Fprint(h, i)
	return fmt.Sprintf("%016x", h.Sum64())
}

// passwordHash is of the length of any.
const passwordHash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"

func email(i int) string { return scattered(i) + "@example.com" }

// populate starts a system of n, with that many members.
func populate(b *testing.B, n, members int) *population {
	b.Helper()
	p := &population{system: startSystem(b, ""), n: n, gone: map[int]bool{}}
	p.server.stop(b) // the database is filled by the store's own import, which wants no server
	for _, i := range rand.Perm(n) {
		if len(p.members) < members && !p.special(i) {
			p.members = append(p.members, &member{number: i, id: userID(i)})
		}
	}
	p.seed(b)
	path := filepath.Join(p.dir, "bench.db")
	db, err := sqlite.Open(b.Context(), path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := db.Close(); err != nil {
			b.Error(err)
		}
	})
	p.db = db
	p.fillUsers(b)
	p.fillPayments(b)
	fillAttempts(b, path, n)
	p.issueTokens(b)
	// Without a reconciler, which would work while something is measured.
	p.server = startServer(b, "sqlite:"+path, p.boxURL, "RECONCILE_INTERVAL=24h")
	p.url = "http://" + p.server.address
	return p
}

// special tells whether user i is not one like most.
func (p *population) special(i int) bool { return i < 3 || i%everyTenth == 0 }

// seed makes what Stripe knows of the members.
func (p *population) seed(b *testing.B) {
	b.Helper()
	api, err := stripeclient.New(stripeclient.Config{SecretKey: stripeKey, BaseURL: p.boxURL, RatePerSecond: 1e5})
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range p.members {
		c, err := api.CreateCustomer(b.Context(), "customer-"+m.id, stripeclient.CustomerParams{Email: email(m.number), Name: "A", UserID: m.id})
		if err != nil {
			b.Fatal(err)
		}
		in, err := api.CreateIntent(b.Context(), "intent-"+m.id, stripeclient.IntentParams{
			Amount: 2000, Currency: "usd", CustomerID: c.ID, PaymentID: paymentID(m.number), UserID: m.id, CUID: scattered(m.number),
		})
		if err != nil {
			b.Fatal(err)
		}
		m.customer, m.intent = c.ID, in.ID
	}
}

// membersByNumber finds members by their numbers.
func (p *population) membersByNumber() map[int]*member {
	found := map[int]*member{}
	for _, m := range p.members {
		found[m.number] = m
	}
	return found
}

// madeAt is when everything was made, and tomorrow when one in a hundred is due to
// be looked at.
var (
	madeAt   = time.Now().UTC().Truncate(time.Millisecond)
	tomorrow = madeAt.Add(24 * time.Hour)
)

func (p *population) fillUsers(b *testing.B) {
	b.Helper()
	members := p.membersByNumber()
	batch := make([]*store.User, 0, store.MaxPage)
	for i := range p.n {
		u := &store.User{
			ID: userID(i), Name: "A", Email: email(i), EmailKey: email(i), Admin: i == 2,
			PasswordHash: passwordHash, CustomerID: "cus_" + scattered(i), CreatedAt: madeAt, UpdatedAt: madeAt, Version: 1,
		}
		if i%everyTenth == 0 {
			u.CreatedBy = userID(1)
		}
		if i%100 == 7 {
			u.SyncAt = tomorrow
		}
		if m := members[i]; m != nil {
			u.CustomerID = m.customer
		}
		if batch = append(batch, u); len(batch) == cap(batch) || i == p.n-1 {
			if err := p.db.MoveUsers(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

func (p *population) fillPayments(b *testing.B) {
	b.Helper()
	members := p.membersByNumber()
	batch := make([]*store.Payment, 0, store.MaxPage)
	for i := range p.n {
		owner := i
		if i%everyTenth == 0 {
			owner = 0
		}
		x := &store.Payment{
			ID: paymentID(i), UserID: userID(owner), CUID: scattered(i), Amount: 2000, Currency: "usd",
			IntentID: "pi_" + scattered(i), CustomerID: "cus_" + scattered(owner), Status: stripeclient.StatusSucceeded,
			PaymentMethod: "pm_" + scattered(i), CreatedAt: madeAt, UpdatedAt: madeAt, Version: 1,
		}
		if i%100 == 7 {
			x.Status, x.CheckAt = stripeclient.StatusProcessing, tomorrow
		}
		if m := members[i]; m != nil {
			// The status is not what Stripe says, so that an event brings news.
			x.IntentID, x.CustomerID, x.Status, x.PaymentMethod, x.CheckAt = m.intent, m.customer, stripeclient.StatusProcessing, "", tomorrow
		}
		if batch = append(batch, x); len(batch) == cap(batch) || i == p.n-1 {
			if err := p.db.MovePayments(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			batch = batch[:0]
		}
	}
}

// fillAttempts adds counts that are all of the present. The store has no import of
// them, as they are never moved.
func fillAttempts(b *testing.B, path string, n int) {
	b.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	const insert = `
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
		INSERT INTO attempts (key, account, site, address, expires, count)
		SELECT lower(hex(randomblob(21))), lower(hex(randomblob(21))), lower(hex(randomblob(21))), lower(hex(randomblob(21))), ?2 + i, 1 FROM n`
	if _, err := db.Exec(insert, n, time.Now().Add(time.Hour).UnixMilli()); err != nil {
		b.Fatal(err)
	}
}

func (p *population) issueTokens(b *testing.B) {
	b.Helper()
	_, keyFile := built(b)
	keys, err := auth.LoadKeys(keyFile)
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := auth.NewTokens(auth.TokenConfig{Keys: keys, Issuer: "nest-payments", Audience: "nest-payments"})
	if err != nil {
		b.Fatal(err)
	}
	issue := func(i int) string {
		token, _, err := tokens.Issue(userID(i), 0)
		if err != nil {
			b.Fatal(err)
		}
		return token
	}
	p.payer, p.creator, p.admin = issue(0), issue(1), issue(2)
	for _, m := range p.members {
		m.token = issue(m.number)
	}
}
