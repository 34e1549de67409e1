package store

import (
	"cmp"
	"strings"
	"time"
	"unicode"
)

// User is a person who can log in and pay.
type User struct {
	// ID is a MongoDB ObjectID: 24 lower-case hexadecimal digits.
	ID string
	// Name is shown to people. Not unique.
	Name string
	// Email is the address as its owner wrote it, without surrounding space.
	Email string
	// EmailKey is the folded address that is unique among users. Its domain is in
	// ASCII.
	EmailKey string
	// PasswordHash is a PHC string. It never leaves the server.
	PasswordHash string
	// CustomerID is the Stripe customer, unique among users; empty until the
	// first payment.
	CustomerID string
	// CustomerAttempt is when the present attempt to make the Stripe customer
	// began, in Unix seconds, 0 before the first. It is part of the idempotency
	// key of the creation, and grows from one attempt to the next.
	CustomerAttempt int
	// CreatedBy is the ID of the user who created this one and may still manage
	// it; empty for those who registered themselves, and once the right has ended
	// (Release, SetPassword).
	CreatedBy string
	// RootCreator is the ID of the user who registered themselves and stands at
	// the start of the chain of creators; empty for those who registered
	// themselves. Unlike CreatedBy it is never cleared: sign-ups are counted by it.
	RootCreator string
	// PasswordSetBy is the ID of the creator whose password PasswordHash still
	// is; empty once the user has set their own.
	PasswordSetBy string
	// Session is the number that an access token must carry to be accepted. It
	// grows when every token issued so far must stop working.
	Session int64
	// Admin may manage every user.
	Admin bool
	// SyncAt is when the Stripe customer is next due to be given the name and
	// email of this user; zero while it has them.
	SyncAt time.Time
	// SyncFailures counts the failed tries to do so since the last success.
	SyncFailures int
	// CreatedAt and UpdatedAt are in UTC, to the millisecond.
	CreatedAt, UpdatedAt time.Time
	// Version counts the writes, from 1.
	Version int64
}

// MailAddress returns Email with its domain in ASCII (punycode), the form that mail
// servers, Stripe and clients that validate `format: email` accept.
func (u *User) MailAddress() string {
	local, domain, _ := strings.Cut(u.Email, "@")
	if !strings.ContainsFunc(domain, func(r rune) bool { return r > unicode.MaxASCII }) {
		return u.Email
	}
	_, ascii, _ := strings.Cut(u.EmailKey, "@")
	return local + "@" + ascii
}

// CreatorKnowsPassword reports whether the password may still be the one that the
// creator chose. A user without PasswordSetBy whom a creator manages was created by
// a server that could not change passwords.
func (u *User) CreatorKnowsPassword() bool { return u.PasswordSetBy != "" || u.CreatedBy != "" }

// Release ends the creator's right to manage the user. That the creator knows the
// password stays on record.
func (u *User) Release() {
	u.PasswordSetBy = cmp.Or(u.PasswordSetBy, u.CreatedBy)
	u.CreatedBy = ""
}

// SetPassword gives the user a password that the creator does not know. It ends
// the creator's right to manage the user, and every access token issued so far.
func (u *User) SetPassword(hash string) {
	u.PasswordHash, u.PasswordSetBy, u.CreatedBy = hash, "", ""
	u.Session++
}
