package stripeclient

import (
	"regexp"
	"strings"
)

// maxKey is the longest idempotency key that Stripe takes, in characters.
const maxKey = 255

var (
	// An id has 255 characters at most.
	// Source: https://docs.stripe.com/upgrades#what-changes-does-stripe-consider-to-be-backward-compatible
	idShape  = regexp.MustCompile(`^[A-Za-z0-9_]{1,255}$`)
	keyShape = regexp.MustCompile(`^[!-~]+$`)
)

// shaped returns s if it has the shape, else nothing.
func shaped(shape *regexp.Regexp, s string) string {
	if !shape.MatchString(s) {
		return ""
	}
	return s
}

// isID reports whether s is an object id of that type. It goes into a URL as it
// is.
func isID(prefix, s string) bool {
	return len(s) > len(prefix) && strings.HasPrefix(s, prefix) && idShape.MatchString(s)
}

func isKey(s string) bool {
	return len(s) <= maxKey && keyShape.MatchString(s)
}

// invalid is the error of a call that is refused before it is made.
func invalid(op, param string) *Error {
	return &Error{Kind: KindInvalid, Op: op, Param: param}
}
