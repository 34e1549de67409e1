package mongotest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
)

// gate is a proxy between clients and the server. It passes whole messages, one
// command at a time.
type gate struct {
	backend string
	// addr is where clients connect; it stays the same when the gate is cut
	// and opened again.
	addr string

	// command is held from a command's first byte to its answer's last.
	command sync.Mutex
	clients sync.WaitGroup

	// change is what Server.Change was last given.
	change atomic.Pointer[func(command, answer bson.D) bson.D]

	mu       sync.Mutex
	listener net.Listener
	conns    map[net.Conn]bool
}

func newGate(t testing.TB, backend string) *gate {
	t.Helper()
	g := &gate{backend: backend, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	if err := g.open(); err != nil {
		t.Fatal(err)
	}
	return g
}

// open listens on g.addr.
func (g *gate) open() error {
	l, err := net.Listen("tcp", g.addr)
	if err != nil {
		return fmt.Errorf("open the gate: %w", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.listener, g.addr = l, l.Addr().String()
	g.clients.Go(func() { g.accept(l) })
	return nil
}

// cut stops listening and breaks every connection. A command that is under
// way at the server is still carried out.
func (g *gate) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.listener != nil {
		_ = g.listener.Close()
		g.listener = nil
	}
	for c := range g.conns {
		_ = c.Close()
	}
}

// close cuts the gate for good and waits for all that it was doing.
func (g *gate) close() {
	g.cut()
	g.clients.Wait()
}

func (g *gate) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		g.mu.Lock()
		if g.listener != l {
			g.mu.Unlock()
			_ = c.Close()
			return
		}
		g.conns[c] = true
		g.clients.Go(func() { g.serve(c) })
		g.mu.Unlock()
	}
}

// serve passes a client's commands on until either side goes.
func (g *gate) serve(client net.Conn) {
	defer func() {
		_ = client.Close()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.conns, client)
	}()
	server, err := net.Dial("tcp", g.backend)
	if err != nil {
		return
	}
	defer server.Close()
	for {
		request, err := readMessage(client)
		if err != nil {
			return
		}
		answer, err := g.exchange(server, request)
		if err != nil {
			return
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// exchange sends one command and returns its answer. Every command has one:
// unacknowledged writes and exhaust cursors are not supported.
func (g *gate) exchange(server net.Conn, request []byte) ([]byte, error) {
	g.command.Lock()
	defer g.command.Unlock()
	if _, err := server.Write(request); err != nil {
		return nil, err
	}
	answer, err := readMessage(server)
	if change := g.change.Load(); err == nil && change != nil {
		return changed(request, answer, *change)
	}
	return answer, err
}

// maxMessage is the largest message that MongoDB takes, in bytes.
const maxMessage = 48_000_000

// readMessage reads one message of the wire protocol, its header included: the
// first four bytes are the length of the whole, little-endian.
// Source: https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
func readMessage(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint32(head[:])
	if n < 16 || n > maxMessage {
		return nil, fmt.Errorf("message of %d bytes", n)
	}
	message := make([]byte, n)
	copy(message, head[:])
	_, err := io.ReadFull(r, message[len(head):])
	return message, err
}
