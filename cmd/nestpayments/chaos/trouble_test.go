package chaos_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// blow is one thing that goes wrong with the programs.
type blow struct {
	// at is how many payments have been begun when it falls.
	at     int
	strike func(*system, *rand.Rand)
}

// blows spreads everything that is to go wrong over the payments. For each four
// kills of a replica one is frozen; outages of the database are kills and
// freezes in turn; the sandbox is killed as often.
func (r round) blows(random *rand.Rand) []blow {
	var all []blow
	spread := func(n int, strike func(*system, *rand.Rand)) {
		for range n {
			all = append(all, blow{at: random.IntN(r.payments*9/10 + 1), strike: strike})
		}
	}
	spread(r.kills, (*system).killReplica)
	spread(r.kills/4, (*system).freezeReplica)
	spread(r.outages, (*system).killSandbox)
	first := random.IntN(2)
	spread((r.outages+first)/2, (*system).killDatabase)
	spread((r.outages+1-first)/2, (*system).freezeDatabase)
	slices.SortStableFunc(all, func(a, b blow) int { return cmp.Compare(a.at, b.at) })
	return all
}

// makeTrouble lets everything go wrong while work is done, and then mends it.
func (s *system) makeTrouble(work func() []*buyer) []*buyer {
	random := s.source("trouble", 0)
	s.arm(random)
	var striking sync.WaitGroup
	striking.Go(func() {
		for _, b := range s.blows(random) {
			for s.begun.Load() < int64(b.at) && s.ctx.Err() == nil {
				pause(s.ctx, 5*time.Millisecond)
			}
			pause(s.ctx, time.Duration(random.IntN(200))*time.Millisecond)
			if s.ctx.Err() != nil {
				return
			}
			b.strike(s, random)
		}
	})
	buyers := work()
	striking.Wait()
	s.restarts.Wait()
	s.try("disarm", s.stripe.disarm)
	return buyers
}

// try does what has to succeed.
func (s *system) try(what string, do func(context.Context) error) {
	if err := do(s.ctx); err != nil && s.ctx.Err() == nil {
		s.verdict.violate("the test itself failed: %s: %v", what, err)
	}
}

// upTo is a random time, d at most.
func upTo(random *rand.Rand, d time.Duration) time.Duration {
	return time.Duration(random.Int64N(int64(d) + 1))
}

// killReplica kills one that serves, and starts it again while other things
// happen.
func (s *system) killReplica(random *rand.Rand) {
	r, p := s.takeReplica(random)
	if p == nil {
		return
	}
	s.figures.add("replicas killed", 1)
	p.kill()
	s.apiFront.remove(p.address)
	rest, price := upTo(random, time.Second), prices[random.IntN(len(prices))]
	s.restarts.Go(func() {
		pause(s.ctx, rest)
		s.try("start "+r.name, func(context.Context) error { return s.startReplica(r, price) })
	})
}

func (s *system) freezeReplica(random *rand.Rand) {
	r, p := s.takeReplica(random)
	if p == nil {
		return
	}
	s.figures.add("replicas frozen", 1)
	p.freeze(s.ctx, 500*time.Millisecond+upTo(random, 2500*time.Millisecond))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.process = p
}

// takeReplica waits for a replica that serves and takes it out of the hands of
// others.
func (s *system) takeReplica(random *rand.Rand) (*replica, *process) {
	for s.ctx.Err() == nil {
		r := s.replicas[random.IntN(len(s.replicas))]
		r.mu.Lock()
		p := r.process
		r.process = nil
		r.mu.Unlock()
		if p != nil {
			return r, p
		}
		pause(s.ctx, 20*time.Millisecond)
	}
	return nil, nil
}

// killDatabase kills the database and starts it again on the same files.
func (s *system) killDatabase(random *rand.Rand) {
	if s.realDatabase != nil {
		s.cutDatabase(random)
		return
	}
	s.figures.add("database killed", 1)
	s.databaseFront.remove(s.database.address)
	s.database.kill()
	pause(s.ctx, 300*time.Millisecond+upTo(random, 4*time.Second))
	s.try("start the database", func(context.Context) error { return s.startDatabase() })
}

// cutDatabase breaks every connection to the database, and refuses new ones for a
// while. A command that is under way is carried out.
func (s *system) cutDatabase(random *rand.Rand) {
	s.figures.add("database cut off", 1)
	s.realDatabase.Cut()
	pause(s.ctx, 300*time.Millisecond+upTo(random, 4*time.Second))
	s.try("let clients of the database in again", func(context.Context) error { return s.realDatabase.Open() })
}

// freezeDatabase leaves commands half done, to be finished after their callers
// have given up.
func (s *system) freezeDatabase(random *rand.Rand) {
	if s.realDatabase != nil {
		s.cutDatabase(random)
		return
	}
	s.figures.add("database frozen", 1)
	s.database.freeze(s.ctx, 500*time.Millisecond+upTo(random, 5*time.Second))
}

// killSandbox is an outage of Stripe, which forgets nothing.
func (s *system) killSandbox(random *rand.Rand) {
	s.figures.add("sandbox killed", 1)
	s.stripeFront.remove(s.sandbox.address)
	s.sandbox.kill()
	pause(s.ctx, 500*time.Millisecond+upTo(random, 3500*time.Millisecond))
	s.try("start the sandbox", func(context.Context) error { return s.startSandbox() })
	s.arm(random)
}

// arm switches every fault of Stripe on, each as likely as half to one and a
// half times what is written here.
func (s *system) arm(random *rand.Rand) {
	var faults []fault
	add := func(kind string, probability float64, delay time.Duration, methods ...string) {
		probability *= 0.5 + random.Float64()
		for _, method := range methods {
			for _, path := range []string{" /v1/*", " /v1/*/*", " /v1/*/*/*"} {
				faults = append(faults, fault{Match: method + path, Kind: kind, Probability: probability, Delay: delay.String()})
			}
		}
	}
	add("delay", 0.05, 300*time.Millisecond, "GET", "POST")
	add("delay", 0.001, 12*time.Second, "POST") // longer than our client waits
	add("lost_reply", 0.03, 0, "GET", "POST")
	add("error_before", 0.02, 0, "GET", "POST")
	add("error_after", 0.03, 0, "GET", "POST")
	add("html_502", 0.015, 0, "GET", "POST")
	add("truncated", 0.03, 0, "GET", "POST")
	add("rate_limit", 0.015, 0, "GET", "POST")
	add("lock_timeout", 0.02, 0, "POST")
	add("key_in_use", 0.02, 0, "POST")
	for kind, delay := range map[string]time.Duration{
		"webhook_duplicate": 0, "webhook_delay": 1500 * time.Millisecond, "webhook_reorder": 0, "webhook_drop": 0,
		"webhook_wrong_secret": 0, "webhook_old_timestamp": 0,
	} {
		faults = append(faults, fault{Match: "*", Kind: kind, Probability: 0.08, Delay: delay.String()})
	}
	s.try("arm the faults", func(ctx context.Context) error { return s.stripe.arm(ctx, faults) })
}
