package chaos_test

import (
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// front is an address that stays the same while the programs behind it come and
// go: a balancer that knows nothing but TCP. Each connection goes to one of the
// programs; while there is none it is closed at once.
type front struct {
	listener net.Listener
	// slow is how long an answer is held back at most, one time in twenty: what
	// it tells may be out of date when it arrives.
	slow time.Duration

	mu       sync.Mutex
	random   *rand.Rand
	backends []string
	closed   bool
	conns    map[net.Conn]bool
}

func newFront(t *testing.T, random *rand.Rand, slow time.Duration) *front {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &front{listener: l, slow: slow, random: random, conns: map[net.Conn]bool{}}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.serve(c) })
		}
	})
	t.Cleanup(func() {
		f.close()
		serving.Wait()
	})
	return f
}

func (f *front) address() string { return f.listener.Addr().String() }

func (f *front) add(backend string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backends = append(f.backends, backend)
}

func (f *front) remove(backend string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.backends = slices.DeleteFunc(f.backends, func(b string) bool { return b == backend })
}

func (f *front) pick() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.backends) == 0 {
		return ""
	}
	return f.backends[f.random.IntN(len(f.backends))]
}

func (f *front) serve(client net.Conn) {
	defer client.Close()
	backend := f.pick()
	if backend == "" {
		return
	}
	server, err := net.DialTimeout("tcp", backend, time.Second)
	if err != nil {
		return
	}
	defer server.Close()
	if !f.keep(client, server) {
		return
	}
	defer f.drop(client, server)
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		_, _ = io.Copy(to, from) // either side may break off; both are closed then
		done <- struct{}{}
	}
	go pipe(server, client)
	go pipe(heldBack{client, f}, server)
	<-done
}

// heldBack writes answers, some of them late.
type heldBack struct {
	net.Conn
	front *front
}

func (h heldBack) Write(answer []byte) (int, error) {
	if d := h.front.delay(); d > 0 {
		time.Sleep(d)
	}
	return h.Conn.Write(answer)
}

func (f *front) delay() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.slow == 0 || f.random.IntN(20) > 0 {
		return 0
	}
	return upTo(f.random, f.slow)
}

// keep notes connections that close has to break. It returns false after that.
func (f *front) keep(conns ...net.Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		f.conns[c] = true
	}
	return !f.closed
}

func (f *front) drop(conns ...net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range conns {
		delete(f.conns, c)
	}
}

func (f *front) close() {
	f.listener.Close()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for c := range f.conns {
		c.Close()
	}
}
