package server

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
)

// slowBodies holds bodies open that have sent a part of what they announce.
type slowBodies struct {
	t       *testing.T
	b       *bodyReader
	writers []*io.PipeWriter
	results chan error
	// pause is the time after each quarter of what is sent.
	pause time.Duration
}

func newSlowBodies(t *testing.T) *slowBodies {
	return &slowBodies{t: t, b: newBodyReader(256 << 10), results: make(chan error, 10_000)}
}

// numbered is the sender with this address.
func numbered(i int) sender {
	return senderOf(auth.Claims{}, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
}

func (h *slowBodies) request(body io.Reader, declared int64) *http.Request {
	r := httptest.NewRequestWithContext(h.t.Context(), "POST", "/", body)
	r.ContentLength = declared
	return r
}

// hold starts a body that declares so many bytes, -1 for none, and sends some.
func (h *slowBodies) hold(s sender, declared int64, sent int) {
	from, to := io.Pipe()
	h.writers = append(h.writers, to)
	go func() {
		_, err := h.b.read(httptest.NewRecorder(), h.request(from, declared), s)
		_ = from.Close()
		h.results <- err
	}()
	go func() {
		for range 4 {
			_, _ = to.Write(make([]byte, sent/4))
			time.Sleep(h.pause)
		}
		_, _ = to.Write(make([]byte, sent%4))
		if int64(sent) == declared {
			_ = to.Close()
		}
	}()
	synctest.Wait()
}

// end closes all bodies and returns how many were refused for want of memory.
func (h *slowBodies) end() (refused int) {
	for _, w := range h.writers {
		_ = w.Close()
	}
	for range h.writers {
		if errors.Is(<-h.results, errTooManyBodies) {
			refused++
		}
	}
	return refused
}

// held returns the bytes of all pools and of one sender.
func (h *slowBodies) held(s sender) (all, own int64) {
	for _, p := range h.b.pools {
		p.mu.Lock()
		all += p.held
		own += p.by[s]
		p.mu.Unlock()
	}
	return all, own
}

// arrives fails the test unless a body of this size is read at once.
func (h *slowBodies) arrives(s sender, size int) {
	h.t.Helper()
	start, text := time.Now(), strings.Repeat("a", size)
	got, err := h.b.read(httptest.NewRecorder(), h.request(strings.NewReader(text), int64(size)), s)
	if err != nil || string(got) != text || time.Since(start) != 0 {
		h.t.Errorf("a body of %d bytes: read %d bytes after %v, %v, want all at once", size, len(got), time.Since(start), err)
	}
}

// 64 slow bodies of eight addresses, which announce the largest size, do not hold up
// an event, however much of theirs they have sent.
func TestSlowBodiesHoldLittleMemory(t *testing.T) {
	t.Parallel()
	for _, sent := range []int{0, 1, 4 << 10, 5 << 10, 20 << 10, 70 << 10, 256<<10 - 1} {
		for name, declared := range map[string]int64{"declared": 256 << 10, "not declared": -1} {
			t.Run(fmt.Sprintf("%d bytes sent, size %s", sent, name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					h := newSlowBodies(t)
					for i := range 64 {
						h.hold(numbered(i%8), declared, sent)
					}
					all, _ := h.held(numbered(0))
					t.Logf("64 bodies that sent %d bytes hold %d", sent, all)
					if most := int64(64 * max(4<<10, 5*sent)); all > min(most, bodyMemory) {
						t.Errorf("%d bytes are held, want at most %d", all, min(most, bodyMemory))
					}
					h.arrives(numbered(100), 200)
					h.arrives(numbered(100), 6<<10)
					if sent < 16<<10 {
						h.arrives(numbered(100), 60<<10)
						h.arrives(numbered(100), 256<<10)
					}
					h.end()
				})
			})
		}
	}
}

// The bodies that are read at once never have more memory than bodyMemory, and those
// of one sender never more than an eighth of it. A body waits for its turn, but not
// for ever.
func TestBodiesReadAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newSlowBodies(t)
		check := func() {
			t.Helper()
			if all, own := h.held(numbered(1)); all > bodyMemory || own > bodyMemory/8 {
				t.Fatalf("%d bytes are held, %d by one sender, want at most %d and %d", all, own, bodyMemory, bodyMemory/8)
			}
		}
		sizes := []int{100, 5 << 10, 20 << 10, 100 << 10}
		for i := range 800 { // fills the share of each size
			h.hold(numbered(1), -1, sizes[i%4])
			check()
		}
		for i := range 2000 {
			h.hold(numbered(2+i%20), 256<<10, sizes[i/20%4])
			check()
		}
		time.Sleep(2 * bodyWait)
		if refused := h.end(); refused == 0 {
			t.Error("no body was refused")
		}
		if all, _ := h.held(numbered(1)); all != 0 {
			t.Errorf("%d bytes are held in the end", all)
		}
		for _, p := range h.b.pools {
			if len(p.by) != 0 {
				t.Errorf("%d senders are kept in the end", len(p.by))
			}
		}
		h.arrives(numbered(1), 2)
	})
}

// Many large bodies of one sender at once, which arrive in pieces, wait for each
// other's memory, and none is refused.
func TestLargeBodiesAtOnceAreAllRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newSlowBodies(t)
		h.pause = 50 * time.Millisecond
		for range 200 {
			h.hold(numbered(1), 60<<10, 60<<10)
		}
		for range h.writers {
			if err := <-h.results; err != nil {
				t.Errorf("a body got %v", err)
			}
		}
	})
}

func TestBodiesAreReadWholeOrRefused(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	for _, size := range []int{0, 1, 4<<10 - 1, 4 << 10, 4<<10 + 1, 16 << 10, limit - 1, limit, limit + 1, 2 * limit} {
		for _, declared := range []int64{int64(size), -1} {
			b, text := newBodyReader(limit), strings.Repeat("a", size)
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(text))
			r.ContentLength = declared
			got, err := b.read(httptest.NewRecorder(), r, numbered(1))
			var tooLarge *http.MaxBytesError
			if size > limit && !errors.As(err, &tooLarge) {
				t.Errorf("%d bytes, %d declared: got %d bytes, %v, want *http.MaxBytesError", size, declared, len(got), err)
			}
			if size <= limit && (err != nil || string(got) != text) {
				t.Errorf("%d bytes, %d declared: got %d bytes, %v", size, declared, len(got), err)
			}
			for _, p := range b.pools {
				if p.held != 0 {
					t.Errorf("%d bytes, %d declared: %d are held in the end", size, declared, p.held)
				}
			}
		}
	}
	cut := httptest.NewRequestWithContext(t.Context(), "POST", "/", io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	if got, err := newBodyReader(limit).read(httptest.NewRecorder(), cut, numbered(1)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a body that is cut off: got %q, %v, want io.ErrUnexpectedEOF", got, err)
	}
}
