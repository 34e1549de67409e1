package auth

import "unicode/utf8"

// Length of a password in characters (Unicode code points).
const (
	minPasswordLength = 8
	maxPasswordLength = 128
)

// CheckPassword tells whether a new password may be used: 8 to 128 characters,
// of any kind. An *InputError with code password_short, password_long or
// password_encoding.
// Source: OWASP Authentication Cheat Sheet, Implement Proper Password Strength
// Controls.
func CheckPassword(password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case !utf8.ValidString(password):
		return refuse("password_encoding", "the password is not valid UTF-8: send it as UTF-8 text")
	case n < minPasswordLength:
		return refuse("password_short", "the password is too short: choose one of 8 characters or more")
	case n > maxPasswordLength:
		return refuse("password_long", "the password is too long: choose one of 128 characters or fewer")
	}
	return nil
}
