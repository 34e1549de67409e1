package auth

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Lengths of a new password, in characters (Unicode code points) of its NFC form.
const (
	minPasswordLength = 8
	maxPasswordLength = 128
)

// CheckPassword returns an error unless a new password has 8 to 128 characters in
// Unicode's form NFC: an *InputError for the field, with code password_short or
// password_long.
func CheckPassword(field Field, password string) error {
	switch length := passwordLength(password); {
	case length < minPasswordLength:
		return &InputError{Field: field, Code: "password_short", Detail: "the password is too short: it must have at least 8 characters"}
	case length > maxPasswordLength:
		return &InputError{Field: field, Code: "password_long", Detail: "the password is too long: shorten it to 128 characters or fewer"}
	}
	return nil
}

// passwordLength is the number of characters of the NFC form. After 30 combining
// marks in a row, norm inserts a combining grapheme joiner, as Unicode Standard
// Annex #15, section 13.2, describes. Those do not count.
func passwordLength(password string) int {
	normal := norm.NFC.String(password)
	inserted := strings.Count(normal, string(graphemeJoiner)) - strings.Count(password, string(graphemeJoiner))
	return utf8.RuneCountInString(normal) - inserted
}

// SamePassword reports whether two spellings are one password: equal in Unicode's
// form NFC.
func SamePassword(a, b string) bool { return norm.NFC.String(a) == norm.NFC.String(b) }
