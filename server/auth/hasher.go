package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// ErrBusy: too many passwords are being hashed. Nothing was done; try again in
// a second or more.
var ErrBusy = errors.New("password hashing is busy")

// A worker hashes some 80 passwords in the longest wait, at 23 ms each, so whoever
// is in the queue may expect to be served.
const (
	defaultQueuePerWorker = 64
	defaultMaxWait        = 2 * time.Second
)

// HasherConfig is what a Hasher may be told. The zero value is the default.
type HasherConfig struct {
	// Workers is how many hashes run at once, 19 MiB each. Default one less than
	// GOMAXPROCS, and 1 at least: one core stays free for everybody else.
	Workers int
	// Queue is how many callers may wait for a worker. Default 64 per worker.
	Queue int
	// MaxWait is how long a caller waits at most. Default 2 seconds.
	MaxWait time.Duration
	// Params are the cost of new hashes. Default m=19456, t=2, p=1. Tests set
	// less.
	Params Params
}

// Hasher hashes and verifies passwords with argon2id, a bounded number at once.
// It starts no goroutine of its own and is safe for concurrent use.
type Hasher struct {
	maxWait time.Duration
	params  Params
	queue   *queue
	// address is the network of the callers, see For.
	address string
	// nobody is a hash that no password matches.
	nobody string
	// derive is argon2.IDKey; tests replace it.
	derive func(password, salt []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
}

// HasherStats is the load of a Hasher at one moment.
type HasherStats struct {
	// Running is how many hashes are being computed, of Workers.
	Running, Workers int
	// Waiting is how many callers are in the queue, of Queue.
	Waiting, Queue int
}

// NewHasher checks the configuration and reports all its faults together.
func NewHasher(cfg HasherConfig) (*Hasher, error) {
	if cfg.Workers == 0 {
		cfg.Workers = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if cfg.Queue == 0 {
		cfg.Queue = defaultQueuePerWorker * cfg.Workers
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = defaultMaxWait
	}
	if cfg.Params == (Params{}) {
		cfg.Params = defaultParams
	}
	var faults []error
	if cfg.Workers < 0 {
		faults = append(faults, fmt.Errorf("hasher: Workers is %d: it must be 1 or more", cfg.Workers))
	}
	if cfg.Queue < 0 {
		faults = append(faults, fmt.Errorf("hasher: Queue is %d: it must be 1 or more", cfg.Queue))
	}
	if cfg.MaxWait < 0 {
		faults = append(faults, fmt.Errorf("hasher: MaxWait is %v: it must be more than 0", cfg.MaxWait))
	}
	if !cfg.Params.valid() {
		faults = append(faults, fmt.Errorf("hasher: Params are %+v: out of bounds", cfg.Params))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return &Hasher{
		maxWait: cfg.MaxWait,
		params:  cfg.Params,
		queue:   &queue{workers: cfg.Workers, places: cfg.Queue},
		nobody:  phc{params: cfg.Params, salt: randomBytes(saltBytes), tag: randomBytes(tagBytes)}.String(),
		derive:  argon2.IDKey,
	}, nil
}

// Hash returns the PHC string of a new password, of its NFC form. ErrBusy, or the
// context's error while waiting.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	if err := h.queue.acquire(ctx, h.address, h.maxWait); err != nil {
		return "", err
	}
	defer h.queue.release()
	made := phc{params: h.params, salt: randomBytes(saltBytes), tag: make([]byte, tagBytes)}
	made.tag = h.tag(made, norm.NFC.String(password))
	return made.String(), nil
}

// Verify reports whether the password is the one that was hashed, and whether it
// should be hashed again because the rules for new hashes have changed since. A
// wrong password is ok=false and no error. ErrMalformedHash, ErrBusy, or the
// context's error while waiting.
//
// Hashes used to be of the password as it was sent. So a password that is not in
// NFC is tried as it was sent too, for every account, after its NFC form.
func (h *Hasher) Verify(ctx context.Context, hash, password string) (ok, rehash bool, err error) {
	stored, err := parsePHC(hash)
	if err != nil {
		return false, false, err
	}
	if err := h.queue.acquire(ctx, h.address, h.maxWait); err != nil {
		return false, false, err
	}
	defer h.queue.release()
	normal := norm.NFC.String(password)
	if h.matches(stored, normal) {
		current := stored.params == h.params && len(stored.salt) == saltBytes && len(stored.tag) == tagBytes
		return true, !current, nil
	}
	asSent := normal != password && h.matches(stored, password)
	return asSent, asSent, nil
}

func (h *Hasher) matches(stored phc, password string) bool {
	return subtle.ConstantTimeCompare(h.tag(stored, password), stored.tag) == 1
}

// tag computes the argon2id tag of a password with the parameters, salt and tag
// length of p.
func (h *Hasher) tag(p phc, password string) []byte {
	return h.derive([]byte(password), p.salt, p.params.Time, p.params.MemoryKiB, p.params.Threads, uint32(len(p.tag))) // #nosec G115 -- of a PHC string, whose length is bounded
}

// VerifyNone does the work of Verify for an account that does not exist, so that
// time does not reveal which accounts exist. ErrBusy, or the context's error while waiting.
func (h *Hasher) VerifyNone(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, h.nobody, password)
	return err
}

// For returns a Hasher with the same queue for callers from this address. Each
// address, an IPv4 address or an IPv6 /64, has a fair share of the queue.
func (h *Hasher) For(from netip.Addr) *Hasher {
	of := *h
	of.address = network(from, 64)
	return &of
}

// Stats returns the present load, for metrics.
func (h *Hasher) Stats() HasherStats {
	running, waiting := h.queue.load()
	return HasherStats{Running: running, Workers: h.queue.workers, Waiting: waiting, Queue: h.queue.places}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: the program ends instead
	return b
}
