package sandbox

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"time"
)

// savedAnswer is the answer of the first call with an idempotency key that was
// executed.
type savedAnswer struct {
	Path string `json:"path"`
	// Params is a hash of the parameters.
	Params    string `json:"params"`
	Status    int    `json:"status"`
	Body      []byte `json:"body"`
	RequestID string `json:"request_id"`
	At        int64  `json:"at"`
	Gist      gist   `json:"gist"`
}

func (a savedAnswer) expired(now int64) bool {
	return now >= a.At+int64(keyLifetime/time.Second)
}

// answer runs a call through limits, idempotency, validation and execution.
func (s *Sandbox) answer(c *call, struck strike) answer {
	if struck.kind == FaultHTML502 {
		return proxyError()
	}
	if e := struck.refusal(c); e != nil {
		return s.failure(e, c.requestID)
	}
	if c.sentKey != "" {
		replay, busy := s.claim(c)
		if replay != nil {
			s.pause(struck.delay)
			if struck.kind == FaultErrorBefore || struck.kind == FaultErrorAfter {
				return s.failure(internalError(), c.requestID)
			}
			return *replay
		}
		if busy != nil {
			return s.failure(busy, c.requestID)
		}
		defer s.unclaim(c.sentKey)
	}
	expand := c.expansions()
	do := c.route.prepare(c)
	if e := c.done(c.route.refused); e != nil {
		return s.failure(e, c.requestID) // nothing was executed: not saved
	}
	if c.route.method != http.MethodGet && c.id != "" {
		release, ok := s.locks.acquire(c.id, s.lockWait)
		if !ok {
			return s.failure(lockTimeout(), c.requestID)
		}
		defer release()
	}
	// The delay is spent with key and object taken, as a slow execution would.
	s.pause(struck.delay)
	return s.execute(c, do, expand, struck.kind)
}

// execute does the work and saves its answer in one transaction.
func (s *Sandbox) execute(c *call, do work, expand []string, fault FaultKind) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out answer
	if fault != FaultErrorBefore {
		out = s.run(c, do, expand)
	}
	if fault == FaultErrorBefore || fault == FaultErrorAfter {
		out = s.failure(internalError(), c.requestID)
		out.executed = true
	}
	if c.sentKey != "" && out.executed {
		s.state.saved.put(c.key, savedAnswer{Path: c.path(), Params: c.hash(), Status: out.status,
			Body: out.body, RequestID: c.requestID, At: c.at, Gist: out.gist})
	}
	out.events = slices.Clone(s.state.events.order)
	if err := s.commit(); err != nil {
		s.log.Error("state not written", slog.Any("error", err))
		return s.failure(internalError(), c.requestID)
	}
	return out
}

func (s *Sandbox) run(c *call, do work, expand []string) answer {
	body, e := do()
	if e != nil {
		if !e.commits {
			s.state.rollback()
		}
		out := s.failure(e, c.requestID)
		out.executed = !e.unexecuted
		out.gist.Object = cmp.Or(out.gist.Object, c.id)
		return out
	}
	for _, name := range expand {
		s.state.expand(body, c.route.returns, name)
	}
	object, _ := body["id"].(string)
	return answer{status: http.StatusOK, executed: true, body: encode(body), gist: gist{Object: object}}
}

// claim marks the key as in use. It returns the saved answer if there is one,
// or the refusal if the key is in use or belongs to another call.
func (s *Sandbox) claim(c *call) (*answer, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved, ok := s.state.saved.get(c.key)
	if ok && saved.expired(c.at) {
		ok = false
	}
	switch {
	case s.inFlight[c.key]:
		return nil, keyInUse(c.key)
	case !ok:
		s.inFlight[c.key] = true
		return nil, nil
	case saved.Path != c.path():
		return nil, &apiError{status: http.StatusBadRequest, kind: typeIdempotency,
			message: "Keys for idempotent requests can only be used for the same endpoint they were first used for ('" + saved.Path + "' vs '" + c.path() + "'). Try using a key other than '" + c.key + "' if you meant to execute a different request."}
	case saved.Params != c.hash():
		return nil, &apiError{status: http.StatusBadRequest, kind: typeIdempotency,
			message: "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '" + c.key + "' if you meant to execute a different request."}
	}
	return &answer{status: saved.Status, executed: true, body: saved.Body, gist: saved.Gist, header: http.Header{
		"Idempotent-Replayed": {"true"}, "Original-Request": {saved.RequestID}}}, nil
}

func (s *Sandbox) unclaim(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.inFlight, key)
}

// path is the call's path with its ids: a key belongs to it.
func (c *call) path() string { return c.route.path(c.id, c.sub) }

// hash stands for the parameters, in whatever order they came.
func (c *call) hash() string {
	sum := sha256.Sum256([]byte(c.values.Encode()))
	return hex.EncodeToString(sum[:])
}

// pause waits, but not beyond Close.
func (s *Sandbox) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-s.closing:
	}
}
