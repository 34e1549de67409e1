package sandbox

import (
	"crypto/rand"
	"fmt"
	"strings"
)

const alphanumeric = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// random returns n random letters and digits.
func random(n int) string {
	var id strings.Builder
	buffer := make([]byte, n+n/2)
	for {
		rand.Read(buffer)
		for _, b := range buffer {
			// 248 is the largest multiple of 62 that a byte holds.
			if b < 248 {
				id.WriteByte(alphanumeric[b%62])
			}
			if id.Len() == n {
				return id.String()
			}
		}
	}
}

// newUUID returns a random UUID, version 4 (RFC 9562 §5.4), the form of the
// idempotency keys that Stripe makes.
func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// newID returns an id with Stripe's prefix and length: 14 characters behind
// cus_ and req_, 24 behind the others.
func newID(prefix string) string {
	if prefix == "cus_" || prefix == "req_" {
		return prefix + random(14)
	}
	return prefix + random(24)
}
