package server

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/nestpayments/nestpayments/gen"
)

const (
	// bodyLimit is the largest request body, in bytes. eventLimit is that of webhooks.
	bodyLimit = 64 << 10
	// bodyMemory is how many bytes of request bodies are read at once.
	bodyMemory = 16 << 20
	// bodyWait is how long a body waits at most, each time it needs memory.
	bodyWait = 5 * time.Second
)

// bodySteps are the sizes of buffers, in bytes. A body gets the next one when it has
// filled the one before, so a slow body holds little. Each size has an equal part of
// bodyMemory to itself: large bodies that stop arriving take nothing from small ones,
// and bodies that wait for a larger buffer never wait for each other.
var bodySteps = [...]int64{4 << 10, 16 << 10, 64 << 10, 256<<10 + 1}

var errTooManyBodies = errors.New("too many bodies at once")

// bodyReader bounds the memory of the bodies that are being read, and the share of
// each sender, so that many slow or large ones stop nobody else's. It is safe for
// concurrent use.
type bodyReader struct {
	// limit is the largest body, in bytes, less than the last of bodySteps.
	limit int64
	// pools are those of bodySteps.
	pools [len(bodySteps)]*memoryPool
}

func newBodyReader(limit int64) *bodyReader {
	b := &bodyReader{limit: limit}
	for i := range b.pools {
		b.pools[i] = newMemoryPool(bodyMemory / int64(len(bodySteps)))
	}
	return b
}

// read reads the body of a request. *http.MaxBytesError if it is too large,
// errTooManyBodies if there was no memory for it in time.
func (b *bodyReader) read(w http.ResponseWriter, r *http.Request, s sender) (text []byte, err error) {
	if err := b.declared(r); err != nil {
		return nil, err
	}
	size := r.ContentLength
	if size < 0 { // not declared
		size = b.limit
	}
	size++ // room to see the end
	body := http.MaxBytesReader(w, r.Body, b.limit)
	release := func() {}
	defer func() { release() }()
	for i, pool := range b.pools {
		room := min(bodySteps[i], size)
		if err := pool.acquire(r.Context(), s, room); err != nil {
			return nil, err
		}
		text = append(make([]byte, 0, room), text...)
		release()
		release = func() { pool.release(s, room) }
		text, err = fill(text, body)
		if errors.Is(err, io.EOF) {
			return text, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, &http.MaxBytesError{Limit: b.limit}
}

// fill reads until the capacity of the buffer is used, or until an error.
func fill(buffer []byte, from io.Reader) ([]byte, error) {
	for len(buffer) < cap(buffer) {
		n, err := from.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		if err != nil {
			return buffer, err
		}
	}
	return buffer, nil
}

// declared returns *http.MaxBytesError if the headers announce too large a body.
func (b *bodyReader) declared(r *http.Request) error {
	if r.ContentLength > b.limit {
		return &http.MaxBytesError{Limit: b.limit}
	}
	return nil
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
