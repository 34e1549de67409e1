package sandbox

import (
	"sync"
	"time"
)

// objectLocks serialise the writes on one object, as Stripe does: the second
// waits for a while and is then refused with lock_timeout.
type objectLocks struct {
	mu   sync.Mutex
	held map[string]*objectLock
}

type objectLock struct {
	token chan struct{} // holds one value while the lock is free
	users int           // holder and waiters
}

// acquire locks the object and returns what releases it; ok is false if it was
// not free within wait.
func (l *objectLocks) acquire(id string, wait time.Duration) (release func(), ok bool) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[string]*objectLock{}
	}
	lock := l.held[id]
	if lock == nil {
		lock = &objectLock{token: make(chan struct{}, 1)}
		lock.token <- struct{}{}
		l.held[id] = lock
	}
	lock.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if lock.users--; lock.users == 0 {
			delete(l.held, id)
		}
	}
	timeout := time.NewTimer(wait)
	defer timeout.Stop()
	select {
	case <-lock.token:
		return func() { lock.token <- struct{}{}; leave() }, true
	case <-timeout.C:
		leave()
		return nil, false
	}
}
