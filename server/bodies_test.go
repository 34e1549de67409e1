package server

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/nestpayments/nestpayments/server/auth"
)

// The bodies that are read at once never have more memory than bodyMemory, and those
// of one sender never more than bodyShare. A body waits for its turn, but not for
// ever.
func TestBodiesReadAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBodyReader(256 << 10)
		address := func(i byte) sender { return senderOf(auth.Claims{}, netip.AddrFrom4([4]byte{192, 0, 2, i})) }
		var held []*io.PipeWriter
		results := make(chan error, 1000)
		hold := func(s sender, declared int64) {
			from, to := io.Pipe()
			held = append(held, to)
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/", from)
			r.ContentLength = declared
			go func() { _, err := b.read(httptest.NewRecorder(), r, s); results <- err }()
			synctest.Wait()
		}
		for range 20 {
			hold(address(1), -1)
		}
		if b.held != bodyShare || b.by[address(1)] != bodyShare {
			t.Errorf("one sender holds %d of %d bytes, want %d", b.by[address(1)], b.held, bodyShare)
		}
		for i := byte(2); i < 20; i++ {
			for range 8 {
				hold(address(i), 256<<10)
			}
		}
		if b.held != bodyMemory {
			t.Errorf("all hold %d bytes, want %d", b.held, bodyMemory)
		}
		refused := 0
		for range 12 + 11*8 { // what was too much
			if err := <-results; errors.Is(err, errTooManyBodies) {
				refused++
			} else {
				t.Errorf("a body that waits too long gets %v", err)
			}
		}
		if refused != 12+11*8 {
			t.Errorf("%d bodies were refused", refused)
		}
		for _, w := range held {
			_ = w.Close()
		}
		synctest.Wait()
		if b.held != 0 || len(b.by) != 0 {
			t.Errorf("%d bytes are held in the end, of %d senders", b.held, len(b.by))
		}
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader("{}"))
		if text, err := b.read(httptest.NewRecorder(), r, address(1)); err != nil || string(text) != "{}" {
			t.Errorf("afterwards: %q, %v", text, err)
		}
		var tooLarge *http.MaxBytesError
		r = httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(strings.Repeat("a", 256<<10+1)))
		if _, err := b.read(httptest.NewRecorder(), r, address(1)); !errors.As(err, &tooLarge) || b.held != 0 {
			t.Errorf("a body that is too large: %v, %d bytes held", err, b.held)
		}
	})
}
