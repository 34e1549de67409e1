package auth

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxVerified is how many tokens are remembered before some are forgotten. It bounds
// the memory to some 5 MB.
const maxVerified = 20_000

// verified remembers tokens whose signature and claims have been verified, as that
// takes longer than all else that is done for a request but a password. What is kept
// is a token's SHA-256 and what it says. Keys are never changed while a process runs,
// so what was verified once stays verified, until it expires.
//
// There are two generations: a token that is used moves to the young one, and when
// that is full, the old one is dropped. It is safe for concurrent use.
type verified struct {
	mu         sync.Mutex
	young, old map[tokenSum]Claims
}

type tokenSum = [sha256.Size]byte

// sumOf takes a token of maxTokenBytes at most, and makes no garbage of it.
func sumOf(token string) tokenSum {
	var octets [maxTokenBytes]byte
	return sha256.Sum256(octets[:copy(octets[:], token)])
}

// find returns what the token says if it has been verified, and now is between its
// issue and its expiry. Clocks that differ are for the full verification to judge.
func (v *verified) find(sum tokenSum, now time.Time) (Claims, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	c, found := v.young[sum]
	if !found {
		if c, found = v.old[sum]; found {
			v.keep(sum, c)
		}
	}
	return c, found && !now.Before(c.IssuedAt) && now.Before(c.ExpiresAt)
}

func (v *verified) add(sum tokenSum, c Claims) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep(sum, c)
}

func (v *verified) keep(sum tokenSum, c Claims) {
	if v.young == nil || len(v.young) >= maxVerified/2 {
		v.young, v.old = make(map[tokenSum]Claims), v.young
	}
	v.young[sum] = c
}
