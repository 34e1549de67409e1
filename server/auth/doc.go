// Package auth holds what the server knows about identity: signed tokens, password
// hashes, limits for people and addresses, and the form of emails and names. It
// speaks no HTTP, and uses only the counts of attempts of the store. Its error texts
// hold no token, key, password or email.
//
// # Tokens
//
// A token is a JWT (RFC 7519) signed with RS256, so that a gateway can verify
// it from the published key set (RFC 7517) and hold no secret. Its header is
// exactly alg, kid and typ "at+jwt" (RFC 9068, section 2.1); a token with any
// other member, such as jwk, jku, x5u or crit, is refused, so nothing in it can
// lead to a key that was not configured (RFC 8725, sections 3.1, 3.10, 3.11).
// iss, aud, sub, iat, exp and jti are required, nbf is honoured. Clocks may
// differ by the leeway, 60 seconds at most.
//
// A token is accepted in the one spelling in which it was issued: the
// alternatives that base64 allows, line breaks and stray trailing bits, are
// refused.
//
// A token is verified in full when a process first sees it, which takes some 35 µs
// with a 2048-bit key: more than a third of all that the server did for a read of a
// user. After that its SHA-256 is enough, for as long as it is valid. Nothing has to
// be revoked there: the user is read for every request, and a token ends with the
// user, or with the session of the user that it belongs to.
//
// A session is a number: the user has one, a token carries it as the claim ses, and
// package server compares the two. A change of the password raises the user's number, so
// that every token issued before ends, whoever holds it. A token without the claim
// is of session 0, as all tokens of earlier versions are.
//
// # Keys
//
// The first key signs, every key verifies. To roll: put the new key second and
// deploy, so that every replica and every gateway knows it; then put it first;
// then, when the last token of the old key has expired, drop the old one. A
// retired key may stay as its public half alone. A kid is the key's RFC 7638
// thumbprint, so it needs no configuration and cannot disagree with its key.
//
// 2048 bits: 112 bits of strength, which NIST SP 800-57 allows until the end of
// 2030; a token lives for hours. Larger keys are taken where policy asks for
// them, at three times the cost of signing for 3072 bits.
//
// # Passwords
//
// argon2id with 19 MiB, 2 passes and 1 lane, the second of the equivalent
// settings of the OWASP Password Storage Cheat Sheet, in PHC string format.
// Passwords are hashed in Unicode's form NFC, and otherwise as they were sent: no
// trimming, no folding. The lengths of a new password are those of that form. Some systems send "ä" as one code point and some as two, and
// their users cannot know which (RFC 8265, section 4.2). Hashes of earlier versions
// are of the bytes as they were sent. So a password that is not in NFC is tried in
// both spellings, for every account and every email; a hash that matches only the
// spelling that was sent is replaced at that login.
//
// A hash takes a core for tens of milliseconds, and 19 MiB. One hash per core runs at
// once, minus one core, but at least one: Go takes a core from a hash only after
// 10 ms and asks the network no sooner, so with a hash on each core every step of
// every other request waits for one to end. Measured on two cores that had other work
// as well, with 64 clients that log in without pause and the same queue: half of the
// reads of other users took 1.3 to 1.5 ms instead of 13 to 16 with two hashes at once
// (alone 1.0), one in a hundred 15 to 20 ms instead of 54 to 66, and there were 30 to
// 39 logins a second instead of 30 to 43. Where the machine is idle otherwise, this
// costs up to half of the logins on two cores, an eighth on eight. On one core nothing
// helps.
//
// The queue holds 64 callers per worker, which is what a worker can do in the longest
// wait, 2 seconds; everyone else gets ErrBusy at once. So a flood of logins
// costs bounded memory, and a wave of them is served in order and not sent away to
// come back: with 4 places, clients that come back at once were refused thousands of
// times a second, which cost more than their logins. The context frees a waiting
// caller; a running hash cannot be stopped.
//
// Each address has a fair share of the queue: it is served in rounds of one caller of
// each address, and when it is full it sends away the caller who would be served
// last. So one address can use all of it, but others do not wait for more than one of
// that address's hashes. With 90 connections of one address that log in without a
// pause, 10 logins from another all succeeded; in a queue in order of arrival nearly
// all of them were refused.
//
// A login for an unknown email runs Hasher.VerifyNone, the same code on a hash
// that no password matches, so that time does not tell who has an account
// (OWASP Authentication Cheat Sheet). Users whose hash still has older
// parameters take the time of those, until their next login. So for as long as
// such users are left after the parameters were changed, time tells who has an
// account and has not logged in since; and a right password takes two hashes
// that once. Raising the parameters increases this difference.
//
// # Limits
//
// Throttle counts in the store, so all replicas count together. An address is an IPv4
// address or an IPv6 /64. A site is an IPv4 address or an IPv6 /48, which is what one
// customer commonly gets (RFC 6177), and so what a single attacker has plenty of
// addresses in. Windows are fixed and the same for everybody: clock hours, or quarters of
// them, in UTC. So up to twice a limit can pass around a window's end.
//
// Counting is one atomic step of the store, which refuses to count beyond the limit. The
// wide login limits and the check before a confirmation only read counts, so simultaneous
// requests can exceed those. If the store fails, the request fails: an attacker who slows
// the database down gains nothing.
//
// The store has SHA-256 hashes of kind, window and value. They keep addresses and
// emails out of plain sight and do not link one window to the next. They do not stop
// somebody who has the database and guesses values. Every 64th count of a process also
// removes up to 128 documents of windows that have ended, so old counts do not pile up.
//
// # Logins
//
// In a quarter of a clock hour, by default:
//
//   - one address may fail 10 times on one account, and log in to it 300 times;
//   - one address may fail on 30 accounts;
//   - one account may see failures from 20 addresses. From then on a site that has
//     failed on it is refused, and any other site has one failure left.
//
// The last two limits do not apply to an account that has logged in, or was
// registered, from the same address: that is remembered for two to four weeks, in one
// small document for each account and address. So failures on other accounts lock nobody
// out of a shared address where they log in regularly.
//
// Nobody can lock a user out from elsewhere. Each limit refuses only those who failed
// from that same address or site: the right password, given first, is accepted from any
// site that nobody has failed from in the window, however hard others try. Somebody
// behind the same address can use up the 10 failures of an account there; nothing that
// the server sees tells the two apart. The right password forgets the failures of its
// address on its account.
//
// A refusal must not tell who has an account, or who logs in from an address:
//
//   - Emails that nobody has are counted like any other.
//   - A login refused for one of the last two limits takes the same work as any other:
//     it reads the same counts and the user, and computes a hash that no password
//     matches. A wrong password for an account that is exempt gets the same refusal.
//     So only somebody who knows the password learns that the account is exempt. The
//     price is a hash for each such login, within the address's share of the queue.
//   - A login refused for 10 failures or 300 logins reads the counts, and neither the
//     user nor a hash, whether the account exists or not.
//
// Failures are counted after the hash: of any number of guesses at once on one account
// from one address, no more than the limit are told that they were wrong. A right one
// among them is accepted only if the count is still below the limit by then. The two
// wider limits are read before the hash, so the guesses that are being hashed at that
// moment may go beyond them.
//
// Cost: a login reads four counts on indexes, five while its account is under attack,
// and three more where a wide limit refuses. A failed one writes one document of some
// 250 bytes. A successful login reads one more count and writes one. The first of a
// window also reads whether the address is remembered, and writes that if not.
//
// # Sign-ups
//
// ClaimEmail counts every request that reveals whether an email address is taken: POST
// /user/register, POST /user, and a PATCH that changes the address. In a clock hour
// (UTC), one site may send 30 of these, and one registered user together with
// all users created from it, directly or not, 30, whether they succeed or not.
//
// Requests are counted before the password is hashed. Users created by created users
// share the limit of their root (store.User.RootCreator), so a chain of users does not
// multiply it. Users who were created before the root was stored have only their creator:
// they count with the creator, and by themselves if they no longer have one. Their
// site counts in any case.
//
// # Payments
//
// In a clock hour (UTC), one user may create 50 payments that are not confirmed. A
// payment is counted when it is created, and uncounted when it is confirmed, by the API
// or at Stripe. A repeated create is not counted, and succeeds even at the limit. This
// costs a write for the create and one for the confirmation, and two for a repeated
// create.
//
// Card testing, which tries stolen card numbers to see which ones work, needs many
// declines and their reasons. In a clock hour (UTC), one user may have 10 declines, one
// payment 5 and one site 50. The first 3 of a user, and of a payment, come with their
// reason, and the first 10 of a site. After these every reason is generic_decline, except
// for those that call for something other than another card: authentication_required,
// processing_error and try_again_later. expired_card and incorrect_cvc are hidden: an
// honest customer has read them three times, and they tell a guesser that the
// number is right. The store keeps Stripe's codes. At the limit, confirmations are
// refused before Stripe is asked.
//
// The limit of a site refuses only users who have been declined themselves in this
// hour, or have another confirmation in progress. So the declines of others stop nobody
// from paying, and a user's first decline is always reported, if need be without its
// reason. This helps a card tester little: sign-ups bound the new users of a site.
//
// A confirmation in progress counts as a decline until its outcome is known, in the
// process that sends it. So cards that are tried at once reveal no more than cards in
// turn: each replica sends at most the limit to Stripe, and all replicas together report
// no more declines than the limit, and the first of each user. A confirmation that succeeds is always reported.
//
// What a client does at Stripe itself, with the client secret of a payment and the
// publishable key, is limited by Stripe alone.
//
// Sources: OWASP Authentication Cheat Sheet, Login Throttling and Account Lockout; NIST
// SP 800-63B, section 5.2.2; https://docs.stripe.com/disputes/prevention/card-testing
//
// # Emails
//
// NormalizeEmail returns the address as its owner wrote it and the key that is
// unique among users. The key's local part is folded by Unicode's canonical
// caseless matching (full case folding): "Straße" and "STRASSE" are equal, so
// are "Σ", "σ" and "ς"; the Turkish dotted capital "İ" equals "i" with a dot
// above, and neither "i" nor "ı". The key's domain is what DNS would look up
// (UTS 46, non-transitional): letter case and width do not matter, but
// "straße.example" and "strasse.example" stay the different domains that they
// are. Dots and plus signs mean what the mail provider wants, and are kept.
//
// Folding errs on one side: two mailboxes that differ only in case, as RFC 5321
// allows and nobody offers, cannot both sign up.
//
// The local part of a new address is ASCII (NewEmail): clients that validate
// `format: email` and most mail servers accept nothing else. Users who got another
// one before this rule keep it and log in with it. Code points that the Unicode
// tables do not know are refused in it, because folding them could give another key
// in a later Go release. A domain may have letters of any script; it is returned in
// punycode (store.User.MailAddress).
//
// # Names
//
// Names are for people to read: any script, in NFC. What is known to hide or reorder
// text is refused (controls, bidi embeddings, overrides and isolates, invisible
// characters, private use); everything else is allowed, also letters that Unicode
// adds after this release of Go. Joiners, which Persian, the Indic scripts and emoji
// need, and the grapheme joiner of Hebrew are allowed between two characters, tag
// characters in an emoji tag sequence (the flag of Scotland), and the three direction
// marks of right-to-left text anywhere.
package auth
