// Package chaos_test runs the real programs together while everything goes
// wrong at once, and holds what is left against what clients were told.
//
// # What runs
//
// Replicas of nestpayments behind one address, on a MongoDB-compatible database
// in a process of its own, against the Stripe sandbox in another, which also
// sends the webhooks. Clients use the generated Go client and behave as the
// contract tells them to.
//
// # What goes wrong
//
// Replicas, database and sandbox are killed and started again, or frozen for a
// while. Stripe's answers are lost, late, cut short, turned into errors before
// and after the fact, and refused; its webhooks come twice, late, out of order,
// badly signed, or never. Each replica starts with another price. Clients send
// things twice at once and pay with two cards at the same time.
//
// # What has to hold
//
// invariants_test.go: one payment and at most one charge for each cuid, the
// status in the store is Stripe's, and nobody was told anything that is not
// so. Beside that, every answer fits the spec, no program dies of itself, and
// no log holds a secret.
//
// # How to run it
//
//	go test -v ./cmd/nestpayments/chaos -chaos.payments=150
//
// The seed, which is printed, repeats what is tried and not the timing of the
// processes.
package chaos_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

var (
	paymentsFlag = flag.Int("chaos.payments", 0, "payments that the clients make in all; 0 skips the test")
	killsFlag    = flag.Int("chaos.kills", 8, "how often a replica is killed in all")
	outagesFlag  = flag.Int("chaos.outages", 2, "how often the database is killed or frozen in all")
	clientsFlag  = flag.Int("chaos.clients", 16, "clients at a time")
	seedFlag     = flag.Uint64("chaos.seed", 0, "seed of everything that is random; 0 picks one")
)

// roundSize is how many payments one system makes at most: FerretDB scans all
// payments for each query, so that a long run on one database would measure
// nothing else.
const roundSize = 250

func TestChaos(t *testing.T) {
	if *paymentsFlag <= 0 {
		t.Skip("asked for with -chaos.payments=150")
	}
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d", seed)
	programs := build(t)
	total := newFigures()
	rounds := (*paymentsFlag + roundSize - 1) / roundSize
	for i := range rounds {
		r := round{
			seed: seed, number: uint64(i), clients: *clientsFlag, programs: programs, figures: newFigures(),
			payments: share(*paymentsFlag, i, rounds), kills: share(*killsFlag, i, rounds), outages: share(*outagesFlag, i, rounds),
		}
		ok := t.Run(fmt.Sprintf("round %d of %d", i+1, rounds), r.run)
		total.include(r.figures)
		if !ok {
			break
		}
	}
	if rounds > 1 {
		t.Logf("all rounds, seed %d\n%s", seed, total)
	}
}

// share is the part of n that falls to one of so many rounds.
func share(n, round, rounds int) int { return n*(round+1)/rounds - n*round/rounds }

// round is one system from its start to its last check.
type round struct {
	seed, number             uint64
	payments, kills, outages int
	clients                  int
	programs                 programs
	figures                  *figures
}

// source returns the random numbers for one purpose: what one goroutine draws
// changes nothing for another.
func (r round) source(purpose string, n int) *rand.Rand {
	key := r.seed*1_000_003 + r.number
	for _, c := range purpose {
		key = key*31 + uint64(c)
	}
	return rand.New(rand.NewPCG(key, uint64(n)))
}

func (r round) run(t *testing.T) {
	ctx := t.Context()
	if deadline, ok := t.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-15*time.Second))
		defer cancel()
	}
	s := newSystem(ctx, t, r)
	if err := s.start(); err != nil {
		t.Fatalf("starting: %v", err)
	}
	began := time.Now()
	buyers := s.makeTrouble(func() []*buyer { return s.trade() })
	s.figures.took("under fire", time.Since(began))
	if s.verdict.ok() {
		s.checkAll(buyers)
	}
	s.stopAll()
	t.Logf("seed %d\n%s", r.seed, s.figures)
	for _, v := range s.verdict.all() {
		t.Error(v)
	}
	if ctx.Err() != nil {
		t.Error("the run was cut off: give it a longer -timeout")
	}
}
