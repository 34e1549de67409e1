package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire is a client that costs next to nothing: it sends requests that are ready made
// over one connection, and reads of an answer no more than it must. On a machine of
// few cores a heavier client would take its time from the server, and flatter every
// ratio.
type wire struct {
	conn   net.Conn
	reader *bufio.Reader
	body   []byte
}

func dial(address string) (*wire, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: conn, reader: bufio.NewReader(conn)}, nil
}

// do sends the request and returns status and body, which is valid until the next.
func (w *wire) do(request []byte) (status int, body []byte, err error) {
	if _, err := w.conn.Write(request); err != nil {
		return 0, nil, err
	}
	line, err := w.reader.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < len("HTTP/1.1 200") {
		return 0, nil, fmt.Errorf("not an answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length := -1
	for {
		line, err := w.reader.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		if len(line) <= len("\r\n") {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		}
	}
	if length < 0 {
		return 0, nil, errors.New("an answer without Content-Length")
	}
	if cap(w.body) < length {
		w.body = make([]byte, length)
	}
	w.body = w.body[:length]
	_, err = io.ReadFull(w.reader, w.body)
	return status, w.body, err
}

// encode makes a request ready. token and body may be "".
func encode(method, path, token, body string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: bench\r\n", method, path)
	if token != "" {
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\n", token)
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(b.String() + "\r\n" + body)
}

// load is one kind of request to one server, over connections that stay open.
type load struct {
	// next makes the n-th request, counted from 1 over all connections.
	next  func(n int64) []byte
	wires []*wire
	sent  atomic.Int64

	// done is how many requests were answered in the time measured.
	done int64
	took time.Duration
}

func newLoad(b testing.TB, address string, connections int, next func(n int64) []byte) *load {
	b.Helper()
	l := &load{next: next}
	for range connections {
		w, err := dial(address)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = w.conn.Close() })
		l.wires = append(l.wires, w)
	}
	return l
}

// run keeps every connection busy for a while and adds to what was measured. Any
// answer but a success ends the benchmark.
func (l *load) run(b testing.TB, d time.Duration) {
	b.Helper()
	var busy sync.WaitGroup
	var done atomic.Int64
	begin := time.Now()
	for _, w := range l.wires {
		busy.Go(func() {
			for time.Since(begin) < d {
				status, body, err := w.do(l.next(l.sent.Add(1)))
				if err != nil || status >= 300 {
					b.Errorf("status %d, %v: %s", status, err, body)
					return
				}
				done.Add(1)
			}
		})
	}
	busy.Wait()
	if b.Failed() {
		b.FailNow()
	}
	l.done += done.Load()
	l.took += time.Since(begin)
}

// perSecond is the throughput so far.
func (l *load) perSecond() float64 { return float64(l.done) / l.took.Seconds() }
