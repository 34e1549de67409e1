package sandbox

import "sync"

// feed notifies open pages that something has happened. The zero value is ready
// for use.
type feed struct {
	mu   sync.Mutex
	next chan struct{} // nil while nobody waits
}

func (f *feed) notify() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next != nil {
		close(f.next)
		f.next = nil
	}
}

// wait returns a channel that is closed when the next thing happens.
func (f *feed) wait() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next == nil {
		f.next = make(chan struct{})
	}
	return f.next
}
