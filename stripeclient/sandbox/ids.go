package sandbox

import (
	"crypto/rand"
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

// newID returns an id with Stripe's prefix and length: 14 characters behind
// cus_ and req_, 24 behind the others.
func newID(prefix string) string {
	if prefix == "cus_" || prefix == "req_" {
		return prefix + random(14)
	}
	return prefix + random(24)
}
