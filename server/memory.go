package server

import (
	"context"
	"sync"
)

// memoryPool bounds the bytes that are held at once, and the share of one sender to
// an eighth of them. It is safe for concurrent use.
type memoryPool struct {
	size, share int64

	mu   sync.Mutex
	held int64
	by   map[sender]int64
	// freed is closed when memory becomes free.
	freed chan struct{}
}

func newMemoryPool(size int64) *memoryPool {
	return &memoryPool{size: size, share: size / 8, by: map[sender]int64{}, freed: make(chan struct{})}
}

// acquire waits until the sender may hold so many bytes more, or returns
// errTooManyBodies.
func (p *memoryPool) acquire(ctx context.Context, s sender, n int64) error {
	ctx, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	for {
		p.mu.Lock()
		if p.held+n <= p.size && p.by[s]+n <= p.share {
			p.held += n
			p.by[s] += n
			p.mu.Unlock()
			return nil
		}
		freed := p.freed
		p.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return errTooManyBodies
		}
	}
}

func (p *memoryPool) release(s sender, n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held -= n
	if p.by[s] -= n; p.by[s] == 0 {
		delete(p.by, s)
	}
	close(p.freed)
	p.freed = make(chan struct{})
}
