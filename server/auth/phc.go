package auth

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrMalformedHash: a stored password hash is not an argon2id PHC string within
// our bounds. Its text holds nothing of the hash. The data is damaged; the
// password may be right.
var ErrMalformedHash = errors.New("malformed password hash")

// Bounds on the hashes that are read, so that a bad row in the database can
// exhaust neither memory nor time.
const (
	maxMemoryKiB  = 64 << 10
	maxTime       = 10
	maxThreads    = 4
	minMemoryKiB  = 8 // per thread: RFC 9106, section 3.1
	saltBytes     = 16
	tagBytes      = 32
	maxFieldBytes = 64 // of salt and tag
	minSaltBytes  = 8  // RFC 9106, section 3.1
	minTagBytes   = 16
	maxPHCBytes   = 256
)

// Params are the cost parameters of argon2id.
type Params struct {
	// MemoryKiB is m, in KiB: 8 per thread to 65,536 (64 MiB).
	MemoryKiB uint32
	// Time is t, the number of passes: 1 to 10.
	Time uint32
	// Threads is p, the number of lanes: 1 to 4.
	Threads uint8
}

// defaultParams are of equal strength to the other settings that OWASP lists,
// with the least memory but for those of three passes and more.
// Source: OWASP Password Storage Cheat Sheet, Argon2id.
var defaultParams = Params{MemoryKiB: 19 << 10, Time: 2, Threads: 1}

func (p Params) valid() bool {
	return p.Time >= 1 && p.Time <= maxTime &&
		p.Threads >= 1 && p.Threads <= maxThreads &&
		p.MemoryKiB >= minMemoryKiB*uint32(p.Threads) && p.MemoryKiB <= maxMemoryKiB
}

// phc is a password hash in PHC string format:
// $argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>, in base64 without padding.
// Source: https://github.com/P-H-C/phc-string-format
type phc struct {
	params    Params
	salt, tag []byte
}

func (h phc) String() string {
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.MemoryKiB, h.params.Time, h.params.Threads,
		enc.EncodeToString(h.salt), enc.EncodeToString(h.tag))
}

// parsePHC takes exactly what String writes. ErrMalformedHash.
func parsePHC(s string) (phc, error) {
	if len(s) > maxPHCBytes {
		return phc{}, fmt.Errorf("%w: longer than %d bytes", ErrMalformedHash, maxPHCBytes)
	}
	fields := strings.Split(s, "$")
	if len(fields) != 6 {
		return phc{}, fmt.Errorf("%w: not of five fields", ErrMalformedHash)
	}
	cost := strings.Split(fields[3], ",")
	if len(cost) != 3 {
		return phc{}, fmt.Errorf("%w: not of three parameters", ErrMalformedHash)
	}
	h := phc{params: Params{
		MemoryKiB: uint32(parseCost(cost[0], "m=", 32)), // #nosec G115 -- of 32 bits
		Time:      uint32(parseCost(cost[1], "t=", 32)), // #nosec G115 -- of 32 bits
		Threads:   uint8(parseCost(cost[2], "p=", 8)),   // #nosec G115 -- of 8 bits
	}}
	if !h.params.valid() {
		return phc{}, fmt.Errorf("%w: parameters out of bounds", ErrMalformedHash)
	}
	// A field that is not base64 is decoded in part, and is found out below.
	h.salt, _ = base64.RawStdEncoding.DecodeString(fields[4])
	h.tag, _ = base64.RawStdEncoding.DecodeString(fields[5])
	if len(h.salt) < minSaltBytes || len(h.salt) > maxFieldBytes || len(h.tag) < minTagBytes || len(h.tag) > maxFieldBytes {
		return phc{}, fmt.Errorf("%w: salt or tag of a wrong length", ErrMalformedHash)
	}
	if h.String() != s {
		return phc{}, fmt.Errorf("%w: not argon2id version %d in its one spelling", ErrMalformedHash, argon2.Version)
	}
	return h, nil
}

// parseCost returns 0, which no parameter may be, for anything but a number
// behind the prefix.
func parseCost(s, prefix string, bits int) uint64 {
	digits, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return 0
	}
	n, err := strconv.ParseUint(digits, 10, bits)
	if err != nil {
		return 0
	}
	return n
}
