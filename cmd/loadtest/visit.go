package main

import (
	"context"
	"math/rand/v2"
	"net/http/httptrace"
	"sync"
	"time"
)

// visit is one journey under way.
type visit struct {
	*load
	rand *rand.Rand
	// name is no other visit's, in this run or another.
	name    string
	arrived time.Time
	// first is when its first request was sent, zero before.
	first time.Time
	// last is when its last request ended, arrived before any.
	last time.Time
	// thought is for how long it has paused in between.
	thought time.Duration
}

func (l *load) newVisit(n uint64, name string, arrived time.Time) *visit {
	return &visit{load: l, rand: l.random(2 + n), name: name, arrived: arrived, last: arrived}
}

// travel makes the journey and records it.
func (v *visit) travel(ctx context.Context, j journey) {
	err := j.run(ctx, v)
	began := v.first
	if began.IsZero() { // cut before its first request
		began = v.last
	}
	v.rec.journey(j.name, timing{v.last.Sub(v.arrived) - v.thought, v.last.Sub(began) - v.thought}, err)
}

// turn waits until the next request is due, and returns when that was, and the
// time.
func (v *visit) turn(ctx context.Context) (due, now time.Time, err error) {
	due = v.last
	if !v.first.IsZero() {
		due = due.Add(v.think)
	}
	if !sleepUntil(ctx, due) {
		return due, due, &fault{Code: codeUnfinished, noAnswer: true}
	}
	v.thought += due.Sub(v.last)
	if now = time.Now(); v.first.IsZero() {
		v.first = now
		v.rec.lateness(now.Sub(due))
	}
	return due, now, nil
}

// reply is what the generated client returns for every operation.
type reply interface {
	StatusCode() int
	GetBody() []byte
}

// send sends a request when it is due, and records how long it took and whether
// the answer was right: its status, and all that check looks at. check returns
// what is wrong in words, without a value of the answer. Every error is a *fault.
func send[R reply](ctx context.Context, v *visit, operation string, want int,
	call func(context.Context) (R, error), check func(R) string,
) (R, error) {
	due, sent, err := v.turn(ctx)
	if err != nil {
		var none R
		return none, err
	}
	attempt, cancel := context.WithTimeout(ctx, v.timeout)
	answer, err := call(attempt)
	cancel()
	v.last = time.Now()
	f := judge(ctx, answer, err, want, check)
	v.rec.request(operation, due, sent, v.last, f)
	if f != nil {
		f.Operation = operation
		return answer, f
	}
	return answer, nil
}

// abandon sends a request when it is due, and drops the connection as soon as the
// request is written, as a client does that has lost the network. Nobody waits
// for the answer, so none is recorded.
func (v *visit) abandon(ctx context.Context, call func(context.Context)) error {
	if _, _, err := v.turn(ctx); err != nil {
		return err
	}
	attempt, cancel := context.WithTimeout(ctx, v.timeout)
	defer cancel()
	call(httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { cancel() },
	}))
	v.last = time.Now()
	v.rec.abandon()
	return nil
}

// twice does the same thing at the same time by two clients of one user, and
// returns the first error. The visit goes on when both are done.
func (v *visit) twice(do func(v *visit, i int) error) error {
	twins := [2]visit{*v, *v}
	var errs [2]error
	var both sync.WaitGroup
	for i := range twins {
		both.Go(func() { errs[i] = do(&twins[i], i) })
	}
	both.Wait()
	*v = twins[0]
	if twins[1].last.After(v.last) {
		*v = twins[1]
	}
	if twins[0].first.Before(v.first) {
		v.first = twins[0].first
	}
	if errs[0] != nil {
		return errs[0]
	}
	return errs[1]
}
