package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

// load is one run: what is sent when, and by whom.
type load struct {
	rate        float64 // journeys a second
	poisson     bool
	seed        uint64
	duration    time.Duration
	drain       time.Duration
	maxInFlight int
	timeout     time.Duration // of a request
	think       time.Duration
	mix         mix
	api         *client.ClientWithResponses
	cast        *cast
	rec         *recorder
}

// errCut is why what is still under way at the very end is ended.
var errCut = errors.New("the run is over")

// run starts journeys when they are due, for as long as the load lasts or until
// ctx ends, and waits for them: what is not over after the drain is cut.
func (l *load) run(ctx context.Context) {
	journeys, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cut(nil)
	var underWay sync.WaitGroup
	places := make(chan struct{}, l.maxInFlight)
	when, choice := l.arrivals(), l.random(1)
	start := time.Now()
	l.rec.begin(start)
	for n := uint64(0); ; n++ {
		at := when.next()
		if !sleepUntil(ctx, start.Add(min(at, l.duration))) || at >= l.duration {
			break
		}
		v := l.newVisit(n, fmt.Sprintf("%s-%d", l.cast.run, n), start.Add(at))
		j := l.mix.pick(choice)
		select {
		case places <- struct{}{}:
			l.rec.arrive()
			underWay.Go(func() {
				v.travel(journeys, j)
				<-places
			})
		default:
			l.rec.drop()
		}
	}
	l.rec.stopArrivals(time.Now())
	defer time.AfterFunc(l.drain, func() { cut(errCut) }).Stop()
	underWay.Wait()
}

func (l *load) arrivals() *arrivals {
	a := &arrivals{rate: l.rate}
	if l.poisson {
		a.rand = l.random(0)
	}
	return a
}

// random is one of many streams of the seed.
func (l *load) random(stream uint64) *rand.Rand {
	return rand.New(rand.NewPCG(l.seed, stream)) // #nosec G404 -- a load that can be repeated
}
