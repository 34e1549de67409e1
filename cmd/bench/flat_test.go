package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// BenchmarkFlat measures what size costs: each operation on a system with a thousand
// users and payments, and on one with a million (50,000 in the short form), one
// request to each in turns. The figures are the medians, in microseconds, and their
// ratio. Who asks and what for is drawn at random from all that there are, and the
// large file is some hundred times SQLite's cache. The files are in the memory of
// the machine, as after some time of service; the writes wait for its disk.
//
// Operations that hash a password are measured by what they ask of the store, since
// the hash would hide that: that is their store-ratio, and the two times. For their
// ratio the time of one hash is added to both.
//
// There is no figure for MongoDB: FerretDB on SQLite scans for whatever it is asked,
// so it would be measured and not our queries. Which index serves each of those is
// tested in store/mongo.
func BenchmarkFlat(b *testing.B) { b.Run("sqlite", benchmarkFlatSQLite) }

func benchmarkFlatSQLite(b *testing.B) {
	turns, size := 50, 50_000
	if *full {
		turns, size = 200, 1_000_000
	}
	began := time.Now()
	// A confirmation and an event take a payment each that has had neither.
	small, large := populate(b, 1000, 2*turns), populate(b, size, 2*turns)
	b.Logf("filled in %s", time.Since(began).Round(time.Second/10))
	bringToMemory(b, filepath.Join(small.dir, "bench.db"))
	bringToMemory(b, filepath.Join(large.dir, "bench.db"))
	// First, as they want all that was filled in.
	for _, list := range lists {
		b.Run(list.name+"/pages", func(b *testing.B) {
			for b.Loop() {
				compare(b, 4*turns, "first", large.paging(b, list.path, list.token(large), "", list.item),
					"last", large.paging(b, list.path, list.token(large), list.last(large.n), list.item))
			}
		})
	}
	for _, op := range requests {
		b.Run(op.operation, func(b *testing.B) {
			for b.Loop() {
				compare(b, op.times*turns, "small", small.sending(b, op.request), "large", large.sending(b, op.request))
			}
		})
	}
	for _, op := range calls {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				a, z := compare(b, op.times*turns, "small", small.calling(b, op.call), "large", large.calling(b, op.call))
				if op.hashes {
					hash := hashTime(b)
					b.ReportMetric(z.Seconds()/a.Seconds(), "store-ratio")
					b.ReportMetric(hash.Seconds()*1e6, "hash-µs")
					b.ReportMetric((hash+z).Seconds()/(hash+a).Seconds(), "ratio")
				}
			}
		})
	}
}

// bringToMemory reads a database, of which the machine may have kept little. Another
// process does, as to close the file in this one would drop the store's locks on it.
func bringToMemory(b *testing.B, path string) {
	b.Helper()
	if err := exec.Command("cat", path).Run(); err != nil {
		b.Fatal(err)
	}
}

// compare does one thing and another in turns, and reports the median time of each
// and the ratio of the other to the one.
func compare(b *testing.B, turns int, oneName string, one func(turn int) time.Duration, otherName string, other func(turn int) time.Duration) (a, z time.Duration) {
	b.Helper()
	var ones, others []time.Duration
	for turn := range turns {
		// Neither is always the one behind the other.
		if turn%2 == 0 {
			ones = append(ones, one(turn))
			others = append(others, other(turn))
		} else {
			others = append(others, other(turn))
			ones = append(ones, one(turn))
		}
	}
	a, z = percentile(ones, 0.5), percentile(others, 0.5)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(a.Seconds()*1e6, oneName+"-µs")
	b.ReportMetric(z.Seconds()*1e6, otherName+"-µs")
	b.ReportMetric(z.Seconds()/a.Seconds(), "ratio")
	return a, z
}

// hashTime is how long one password takes, as the server hashes it.
func hashTime(b *testing.B) time.Duration {
	b.Helper()
	hasher, err := auth.NewHasher(auth.HasherConfig{})
	if err != nil {
		b.Fatal(err)
	}
	var took []time.Duration
	for range 5 {
		began := time.Now()
		if _, err := hasher.Hash(b.Context(), password); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return percentile(took, 0.5)
}

// sending returns what sends one request after the other over one connection.
func (p *population) sending(b *testing.B, request func(p *population, turn int) []byte) func(turn int) time.Duration {
	b.Helper()
	w := mustDial(b, p.server.address)
	return func(turn int) time.Duration {
		r := request(p, turn)
		began := time.Now()
		status, body, err := w.read(r)
		took := time.Since(began)
		if err != nil || status >= 300 {
			b.Fatalf("status %d, %v: %s", status, err, body)
		}
		return took
	}
}

// read is do for answers of any length, and without one.
func (w *wire) read(request []byte) (status int, body []byte, err error) {
	if _, err := w.conn.Write(request); err != nil {
		return 0, nil, err
	}
	answer, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, body, err
}

// requests are what is measured over HTTP, with how many of it for each turn.
var requests = []struct {
	operation string
	times     int
	request   func(p *population, turn int) []byte
}{
	{"UserController_findOne", 8, func(p *population, _ int) []byte {
		return encode("GET", "/user/"+userID(3+rand.IntN(p.n-3)), p.admin, "")
	}},
	{"UserController_findAll", 4, func(p *population, _ int) []byte {
		return encode("GET", "/user?limit=50&cursor="+userID(rand.IntN(p.n-51)), p.admin, "")
	}},
	{"PaymentController_getPayment", 8, func(p *population, _ int) []byte {
		m := p.member()
		return encode("GET", "/payment/"+m.intent, m.token, "")
	}},
	{"PaymentController_getPayments", 4, func(p *population, _ int) []byte {
		return encode("GET", "/payment?limit=50&cursor="+paymentID(everyTenth*(50+rand.IntN(p.n/everyTenth-50))), p.payer, "")
	}},
	{"UserController_update", 1, func(p *population, turn int) []byte {
		m := p.member()
		return encode("PATCH", "/user/"+m.id, m.token, fmt.Sprintf(`{"userName":"B%d"}`, turn))
	}},
	{"PaymentController_createPayment", 1, func(p *population, turn int) []byte {
		return encode("POST", "/payment", p.member().token, fmt.Sprintf(`{"cuid":"new-%d"}`, turn))
	}},
	{"PaymentController_confirmPayment", 1, func(p *population, turn int) []byte {
		m := p.members[2*turn]
		return encode("POST", "/payment/confirm", m.token,
			fmt.Sprintf(`{"cuid":%q,"paymentId":%q,"paymentMethodId":"pm_card_visa"}`, scattered(m.number), m.intent))
	}},
	{"WebhookController_stripe", 1, func(p *population, turn int) []byte {
		return signedEvent(turn, p.members[2*turn+1].intent)
	}},
	{"UserController_remove", 1, func(p *population, _ int) []byte {
		return encode("DELETE", "/user/"+userID(p.stranger()), p.admin, "")
	}},
}

// member is any of them.
func (p *population) member() *member { return p.members[rand.IntN(len(p.members))] }

// stranger is the number of a user who is no member and is not asked for again.
func (p *population) stranger() int {
	for {
		i := rand.IntN(p.n)
		isMember := slices.ContainsFunc(p.members, func(m *member) bool { return m.number == i })
		if !p.special(i) && !isMember && !p.gone[i] {
			p.gone[i] = true
			return i
		}
	}
}

// signedEvent is the request of Stripe that tells of an intent.
func signedEvent(n int, intentID string) []byte {
	body := fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"payment_intent.processing","created":%d,`+
		`"data":{"object":{"id":%q,"object":"payment_intent"}}}`, n, time.Now().Unix(), intentID)
	signed := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(body), Secret: webhookSecret})
	return bytes.Replace(encode("POST", "/webhook/stripe", "", body),
		[]byte("Host: bench\r\n"), []byte("Host: bench\r\nStripe-Signature: "+signed.Header+"\r\n"), 1)
}

// calls are what is measured at the store, with how many of it for each turn: what
// operations that hash a password ask of it, and the reconciler.
var calls = []struct {
	name   string
	times  int
	hashes bool
	call   func(p *population, t *auth.Throttle) error
}{
	{"UserController_login", 8, true, func(p *population, t *auth.Throttle) error {
		ctx, key := context.Background(), email(3+rand.IntN(p.n-3))
		attempt, err := t.Login(ctx, key, someAddress())
		if err != nil {
			return err
		}
		if _, err := p.db.UserByEmail(ctx, key); err != nil && !errors.Is(err, store.ErrNotFound) { // one who was removed
			return err
		}
		return attempt.Succeeded(ctx)
	}},
	{"UserController_register", 1, true, func(p *population, t *auth.Throttle) error {
		return errors.Join(t.ClaimEmail(context.Background(), someAddress(), nil), p.insert(""))
	}},
	{"UserController_create", 1, true, func(p *population, t *auth.Throttle) error {
		return errors.Join(t.ClaimEmail(context.Background(), someAddress(), &store.User{ID: p.member().id}), p.insert(userID(1)))
	}},
	{"Reconciler_payments", 8, false, func(p *population, _ *auth.Throttle) error {
		found, err := p.db.PaymentsToCheck(context.Background(), tomorrow, 10)
		return errors.Join(err, wantItems(len(found), 10))
	}},
	{"Reconciler_users", 8, false, func(p *population, _ *auth.Throttle) error {
		found, err := p.db.UsersToSync(context.Background(), tomorrow, 5)
		return errors.Join(err, wantItems(len(found), 5))
	}},
}

// calling returns what calls the store, as one process of several.
func (p *population) calling(b *testing.B, call func(*population, *auth.Throttle) error) func(turn int) time.Duration {
	b.Helper()
	t, err := auth.NewThrottle(p.db, time.Now, auth.ThrottleConfig{SignUps: 1e6})
	if err != nil {
		b.Fatal(err)
	}
	return func(int) time.Duration {
		began := time.Now()
		err := call(p, t)
		took := time.Since(began)
		if err != nil {
			b.Fatal(err)
		}
		return took
	}
}

// someAddress is one that has tried nothing yet.
func someAddress() netip.Addr {
	var a [4]byte
	binary.BigEndian.PutUint32(a[:], rand.Uint32())
	return netip.AddrFrom4(a)
}

// insert stores a new user.
func (p *population) insert(createdBy string) error {
	at := time.Now().UTC().Truncate(time.Millisecond)
	address := scattered(rand.Int()) + "@example.org"
	return p.db.InsertUser(context.Background(), &store.User{
		ID: store.NewID(at), Name: "A", Email: address, EmailKey: address, PasswordHash: passwordHash,
		CreatedBy: createdBy, CreatedAt: at, UpdatedAt: at,
	})
}

func wantItems(got, want int) error {
	if got != want {
		return fmt.Errorf("got %d items, want %d", got, want)
	}
	return nil
}

// lists are what is read page by page, of 100: which, by whom, the cursor of the last
// full page in a population of n, and what is once in every item.
var lists = []struct {
	name, path string
	token      func(*population) string
	last       func(n int) string
	item       string
}{
	{"PaymentController_getPayments", "/payment", func(p *population) string { return p.payer },
		func(int) string { return paymentID(everyTenth * 100) }, `"amount"`},
	{"UserController_findAll", "/user", func(p *population) string { return p.admin },
		func(n int) string { return userID(n - 101) }, `"userName"`},
	{"UserController_findAll_created", "/user", func(p *population) string { return p.creator },
		func(n int) string { return userID(n - everyTenth*101) }, `"userName"`},
}

// paging returns what reads one page again and again.
func (p *population) paging(b *testing.B, path, token, cursor, item string) func(turn int) time.Duration {
	b.Helper()
	if cursor != "" {
		path += "?cursor=" + cursor
	}
	request := encode("GET", path, token, "")
	_, body, err := mustDial(b, p.server.address).read(request)
	if err := errors.Join(err, wantItems(bytes.Count(body, []byte(item)), 100)); err != nil {
		b.Fatalf("%s: %v: %s", path, err, body)
	}
	return p.sending(b, func(*population, int) []byte { return request })
}
