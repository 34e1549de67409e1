// Package auth is what the server knows about identity: signed tokens,
// password hashes, the throttling of logins, and the form of emails and names.
// It speaks no HTTP, and of the store it uses the counts of attempts alone. Its
// error texts hold no token, key, password or email.
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
// the caller compares the two. A change of the password raises the user's number, so
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
// trimming, no folding. Some systems send "ä" as one code point and some as two, and
// their users cannot know which (RFC 8265, section 4.2). Hashes of earlier versions
// are of the bytes as they were sent. So a password that is not in NFC is tried in
// both spellings, for every account and every email; a hash that matches only the
// spelling that was sent is replaced at that login.
//
// A hash takes a core for tens of milliseconds, and 19 MiB. As many run at once as
// there are cores but one, and one at least: Go takes a core from a hash only after
// 10 ms and asks the network no sooner, so with a hash on each core every step of
// every other request waits for one to end. Measured on two cores that had other work
// as well, with 64 clients that log in without pause and the same queue: half of the
// reads of other users took 1.3 to 1.5 ms instead of 13 to 16 with two hashes at once
// (alone 1.0), one in a hundred 15 to 20 ms instead of 54 to 66, and there were 30 to
// 39 logins a second instead of 30 to 43. Where the machine is idle otherwise, this
// costs up to half of the logins on two cores, an eighth on eight. On one core nothing
// helps.
//
// The queue holds 64 callers for each of them, which is what they can do in the
// longest wait, 2 seconds; everyone else gets ErrBusy at once. So a flood of logins
// costs bounded memory, and a wave of them is served in order and not sent away to
// come back: with 4 places, clients that come back at once were refused thousands of
// times a second, which cost more than their logins. The context frees a waiting
// caller; a running hash cannot be stopped.
//
// A login for an unknown email runs Hasher.VerifyNone, the same code on a hash
// that no password matches, so that time does not tell who has an account
// (OWASP Authentication Cheat Sheet). Users whose hash still has older
// parameters take the time of those, until their next login. So for as long as
// such users are left after the parameters were changed, time tells who has an
// account and has not logged in since; and a right password takes two hashes
// that once. Whoever raises the parameters makes this difference larger.
//
// # Throttling
//
// Windows of 15 minutes, the same for all, and in each of them, by default:
//
//   - one address may fail 10 times on one account;
//   - one address may fail on 30 accounts;
//   - one account may see failures from 20 addresses. From then on a site that
//     has failed on it is refused, and any other site has one failure left.
//
// An address is an IPv4 address or an IPv6 /64, a site an IPv4 address or an
// IPv6 /48: what one customer commonly gets (RFC 6177), and so what a single
// attacker has plenty of addresses in.
//
// Nobody can lock a user out from elsewhere. Each limit refuses only whoever
// has failed from that same address or site: the right password, given first,
// is taken from any site that nobody has failed from in the window, however
// hard others hammer on the account. So the limit of an account costs its owner,
// while somebody attacks it, the second and later tries after a typing error,
// until the window ends; and it costs the attacker a fresh site for each guess.
// A neighbour behind the same address can be a nuisance, and is told from its
// owner by nothing that we see. The right password forgets the failures of its
// address on its account.
//
// Emails that nobody has are counted like any other, so a refusal does not tell
// who has an account. A refused attempt reads the counts, and neither the user
// nor a hash.
//
// What is counted is failures, after the hash, in one atomic step of the store
// that refuses what is over the limit: of any number of simultaneous guesses on
// one account from one address, no more than the limit are told that they were
// wrong. A right one among them is taken only if the count is still below the
// limit by then. The two wider limits are read before the hash, so the attempts
// that are being hashed at that moment may go beyond them. As windows are fixed,
// twice a limit fits into 15 minutes around the end of a window.
//
// Cost: a login reads three counts on indexes, four while its account is under
// attack. A failed one writes one document of some 250 octets. A successful one
// reads one count more, and writes only to forget failures before it. Every 64th
// count of a process also removes up to 128 documents of windows that have
// ended, so that they go faster than they come.
//
// Sign-ups are counted by address for POST /user/register and by caller for POST
// /user: 30 an hour, before the hash, whether they succeed or not.
//
// The store has SHA-256 hashes of kind, window and value. They keep addresses and
// emails out of plain sight and do not link one window to the next; they do not
// stop somebody who has the database and guesses values.
//
// Sources: OWASP Authentication Cheat Sheet, Login Throttling and Account
// Lockout; NIST SP 800-63B, section 5.2.2.
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
// need, are allowed between two characters, and the three direction marks of
// right-to-left text anywhere.
package auth
