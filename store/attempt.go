package store

import "time"

// Attempt is something that is throttled, such as a failed login. Everything
// that names somebody in it is a hash: the database holds no address and no
// email of people who may not even be users.
type Attempt struct {
	// Key is what is counted. It holds the window of time, so that a count is
	// never set back: the next window has another key.
	Key string
	// Account, Site and Address are what keys can be found by: whose account
	// was tried, from which network and from which address. Empty if the kind
	// of attempt has none.
	Account, Site, Address string
	// Expires is when the window ends and the count is of no use any more.
	Expires time.Time
}

// AttemptQuery asks for the keys that have the Address, or for those that have
// the Account and, if it is not empty, the Site. One of Address and Account is
// set.
type AttemptQuery struct {
	Account, Site, Address string
	// Limit is the largest count that is of interest, 1 to MaxPage.
	Limit int
}
