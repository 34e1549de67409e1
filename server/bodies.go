package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/nestpayments/nestpayments/gen"
)

const (
	// bodyLimit is the largest request body, in bytes. eventLimit is that of webhooks.
	bodyLimit = 64 << 10
	// bodyMemory is how many bytes of request bodies are read at once.
	bodyMemory = 16 << 20
	// bodyShare is how many of them one sender may have.
	bodyShare = bodyMemory / 8
	// bodyWait is how long a request waits until it is its turn.
	bodyWait = 5 * time.Second
)

var errTooManyBodies = errors.New("too many bodies at once")

// bodyReader bounds the memory of the bodies that are being read, and the share of
// each sender, so that many slow or large ones stop nobody else's. It is safe for
// concurrent use.
type bodyReader struct {
	// limit is the largest body, in bytes.
	limit int64

	mu   sync.Mutex
	held int64
	by   map[sender]int64
	// freed is closed when memory becomes free.
	freed chan struct{}
}

func newBodyReader(limit int64) *bodyReader {
	return &bodyReader{limit: limit, by: map[sender]int64{}, freed: make(chan struct{})}
}

// read reads the body of a request. *http.MaxBytesError if it is too large,
// errTooManyBodies if its turn did not come in time.
func (b *bodyReader) read(w http.ResponseWriter, r *http.Request, s sender) ([]byte, error) {
	if err := b.declared(r); err != nil {
		return nil, err
	}
	size := r.ContentLength
	if size < 0 { // not declared
		size = b.limit
	}
	if err := b.acquire(r.Context(), s, size); err != nil {
		return nil, err
	}
	defer b.release(s, size)
	return io.ReadAll(http.MaxBytesReader(w, r.Body, b.limit))
}

// declared returns *http.MaxBytesError if the headers announce too large a body.
func (b *bodyReader) declared(r *http.Request) error {
	if r.ContentLength > b.limit {
		return &http.MaxBytesError{Limit: b.limit}
	}
	return nil
}

// acquire waits until the sender may hold so many bytes more.
func (b *bodyReader) acquire(ctx context.Context, s sender, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, bodyWait)
	defer cancel()
	for {
		b.mu.Lock()
		if b.held+size <= bodyMemory && b.by[s]+size <= bodyShare {
			b.held += size
			b.by[s] += size
			b.mu.Unlock()
			return nil
		}
		freed := b.freed
		b.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return errTooManyBodies
		}
	}
}

func (b *bodyReader) release(s sender, size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= size
	if b.by[s] -= size; b.by[s] == 0 {
		delete(b.by, s)
	}
	close(b.freed)
	b.freed = make(chan struct{})
}

// readJSON checks that a body is exactly one I-JSON value (RFC 7493): valid UTF-8, no
// duplicate keys, nothing after it. So validator and handler read the same value. It
// returns the trimmed body, and unknown properties as violations.
func (o operation) readJSON(h http.Header, body []byte) ([]byte, []gen.ProblemError, error) {
	if len(body) == 0 {
		return nil, nil, nil
	}
	if !isJSON(h) {
		return nil, nil, errUnsupportedContent
	}
	if !jsontext.Value(body).IsValid() {
		return nil, nil, errJSON
	}
	if h.Get("Content-Type") != jsonType {
		// The spec's media type, however the client spelled it.
		h.Set("Content-Type", jsonType)
	}
	return trim(body, o.body)
}
