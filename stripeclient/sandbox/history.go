package sandbox

import (
	"net/http"
	"sync"
	"time"
)

// How much the history keeps, in memory only.
const (
	// callsKept is the number of calls of the API.
	callsKept = 1000
	// eventsTried is the number of events whose deliveries are kept, triesKept
	// the number of deliveries of each.
	eventsTried = 2000
	triesKept   = 10
)

// gist is what an answer is about.
type gist struct {
	// Object is the id of the object in the answer or in the path, "" for lists.
	Object string `json:"object,omitempty"`
	// Code and DeclineCode are those of an error.
	Code        string `json:"code,omitempty"`
	DeclineCode string `json:"decline_code,omitempty"`
}

// seenCall is a call of the API and what became of it.
type seenCall struct {
	// number counts the calls from 1.
	number       int
	id           string // its Request-Id
	at           time.Time
	took         time.Duration
	method, path string
	status       int
	gist
	key string
	// replayOf is the call whose saved answer this one got, "" for none.
	replayOf string
	strike   strike
	// events are those that it caused.
	events []string
	// exchange is nil once it was dropped to make room for newer ones.
	exchange *exchange
}

// notable reports whether the call did more than read successfully, as polling
// programs do all the time.
func (c seenCall) notable() bool {
	return c.method != http.MethodGet || c.status >= 400 || c.strike != strike{}
}

// seenTry is one try to deliver an event.
type seenTry struct {
	at   time.Time
	took time.Duration
	// status is the receiver's answer, 0 if none came; answer is the beginning
	// of its body unless that was 2xx.
	status int
	answer string
	// problem says why there was no answer.
	problem string
	fault   FaultKind
}

func (t seenTry) ok() bool { return t.status >= 200 && t.status < 300 }

// seenTries are the tries for one event.
type seenTries struct {
	// count is of all, newest holds the last of them, oldest first.
	count  int
	newest []seenTry
}

// history remembers the newest calls and tries.
type history struct {
	mu    sync.Mutex
	calls []seenCall // a ring: call number n is at n % callsKept
	total int        // calls so far
	// size is the size of all exchanges, and oldest the number of the first call
	// that may still have one.
	size, oldest int
	tries        map[string]seenTries
	order        []string // the keys of tries, oldest first
}

func (h *history) addCall(c seenCall) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls == nil {
		h.calls = make([]seenCall, callsKept)
	}
	h.total++
	c.number = h.total
	slot := &h.calls[c.number%callsKept]
	h.size += c.exchange.size() - slot.exchange.size()
	*slot = c
	h.oldest = max(h.oldest, h.total-callsKept+1)
	for ; h.size > exchangesKept; h.oldest++ {
		old := &h.calls[h.oldest%callsKept]
		h.size -= old.exchange.size()
		old.exchange = nil
	}
}

// call returns the call with an id.
func (h *history) call(id string) (seenCall, bool) {
	found := h.callsFrom(0, 1, func(c seenCall) bool { return c.id == id })
	if len(found) == 0 {
		return seenCall{}, false
	}
	return found[0], true
}

// callsFrom returns up to limit calls that keep accepts, newest first, starting at
// the call with the number last, or at the newest if last is 0.
func (h *history) callsFrom(last, limit int, keep func(seenCall) bool) []seenCall {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last <= 0 || last > h.total {
		last = h.total
	}
	var found []seenCall
	for n := last; n > max(0, h.total-callsKept) && len(found) < limit; n-- {
		if c := h.calls[n%callsKept]; keep(c) {
			found = append(found, c)
		}
	}
	return found
}

func (h *history) callCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.total
}

func (h *history) addTry(event string, t seenTry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.tries == nil {
		h.tries = map[string]seenTries{}
	}
	of, known := h.tries[event]
	if !known {
		h.order = append(h.order, event)
		if len(h.order) > eventsTried {
			delete(h.tries, h.order[0])
			h.order = h.order[1:]
		}
	}
	of.count++
	// A new slice each time: a reader may hold the old one.
	kept := append([]seenTry(nil), of.newest[max(0, len(of.newest)+1-triesKept):]...)
	of.newest = append(kept, t)
	h.tries[event] = of
}

func (h *history) triesOf(event string) seenTries {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tries[event]
}
