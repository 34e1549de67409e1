package main

import (
	"errors"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// recorder takes what happened. It is safe for concurrent use.
type recorder struct {
	mu    sync.Mutex
	start time.Time
	// arrivals is for how long journeys arrived, 0 until that is over.
	arrivals time.Duration

	arrived, completed, failed, dropped, abandoned int64

	all                    *tally
	byOperation, byJourney map[string]*tally
	// lag is how late the generator was to send the first request of a journey.
	lag    *hdrhistogram.Histogram
	faults map[faultKey]int64
	limits map[faultKey]int64

	slot  time.Duration
	slots []slot
}

// tally is what is known of one kind of thing.
type tally struct {
	count, errors, limited int64
	// response is from due to end, service from sent to end, in µs.
	response, service *hdrhistogram.Histogram
}

// timing is how long something took.
type timing struct{ response, service time.Duration }

// faultKey is what errors are counted by.
type faultKey struct {
	Operation, Code, Detail string
	Status                  int
}

// slot is one stretch of the run.
type slot struct {
	// response is of the requests that were due in it, in µs.
	response *hdrhistogram.Histogram
	// answered and errors are of the requests that ended in it; answered counts
	// both.
	answered, errors int64
}

// longest is the longest run that is told second by second. A longer one has slots
// of two seconds, and so on.
const longest = 10 * time.Minute

// newRecorder is for a run of at most so long.
func newRecorder(most time.Duration) *recorder {
	return &recorder{
		all: newTally(), byOperation: map[string]*tally{}, byJourney: map[string]*tally{}, lag: newHistogram(3),
		faults: map[faultKey]int64{}, limits: map[faultKey]int64{},
		slot: time.Second * ((most + longest - 1) / longest),
	}
}

func newTally() *tally { return &tally{response: newHistogram(3), service: newHistogram(3)} }

// newHistogram takes 1 µs to an hour with so many digits; 3 are 0.1 % of the value.
func newHistogram(digits int) *hdrhistogram.Histogram {
	return hdrhistogram.New(1, time.Hour.Microseconds(), digits)
}

// put records a time. What is shorter or longer than a histogram takes is as short
// or as long as it takes.
func put(h *hdrhistogram.Histogram, d time.Duration) {
	_ = h.RecordValue(min(max(d.Microseconds(), 0), h.HighestTrackableValue())) // in range, so never an error
}

func (r *recorder) begin(start time.Time) { r.locked(func() { r.start = start }) }

func (r *recorder) stopArrivals(now time.Time) { r.locked(func() { r.arrivals = now.Sub(r.start) }) }

func (r *recorder) arrive() { r.locked(func() { r.arrived++ }) }

// drop counts a journey that there was no room for.
func (r *recorder) drop() { r.locked(func() { r.arrived++; r.dropped++ }) }

// abandon counts a request whose answer nobody waited for.
func (r *recorder) abandon() { r.locked(func() { r.abandoned++ }) }

// lateness is how late the first request of a journey was sent.
func (r *recorder) lateness(d time.Duration) { r.locked(func() { put(r.lag, d) }) }

// request takes one request, with what is wrong with its answer, if anything.
func (r *recorder) request(operation string, due, sent, ended time.Time, f *fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := timing{ended.Sub(due), ended.Sub(sent)}
	r.all.add(t, f)
	tallyOf(r.byOperation, operation).add(t, f)
	if counts(f) {
		put(r.at(due).response, t.response)
	}
	end := r.at(ended)
	end.answered++
	if f == nil {
		return
	}
	end.errors++
	key := faultKey{Operation: operation, Status: f.Status, Code: f.Code, Detail: f.Detail}
	if f.limited() {
		r.limits[key]++
	} else {
		r.faults[key]++
	}
}

// journey takes one journey that is over, with the *fault that ended it early.
func (r *recorder) journey(name string, t timing, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var f *fault
	if errors.As(err, &f) {
		r.failed++
	} else {
		r.completed++
	}
	tallyOf(r.byJourney, name).add(t, f)
}

// add counts one thing, and its time if that is to be counted.
func (t *tally) add(took timing, f *fault) {
	t.count++
	switch {
	case f == nil:
	case f.limited():
		t.limited++
	default:
		t.errors++
	}
	if counts(f) {
		put(t.response, took.response)
		put(t.service, took.service)
	}
}

// counts tells whether a time belongs to the distribution: that of right answers,
// and of waiting in vain, which would have taken longer still. A refusal that
// comes fast makes no server look fast.
func counts(f *fault) bool { return f == nil || f.noAnswer }

func tallyOf(m map[string]*tally, name string) *tally {
	if m[name] == nil {
		m[name] = newTally()
	}
	return m[name]
}

// at is the slot of a time.
func (r *recorder) at(t time.Time) *slot {
	i := max(int(t.Sub(r.start)/r.slot), 0)
	for len(r.slots) <= i {
		r.slots = append(r.slots, slot{response: newHistogram(2)})
	}
	return &r.slots[i]
}

func (r *recorder) locked(do func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	do()
}
