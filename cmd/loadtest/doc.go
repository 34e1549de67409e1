// Command loadtest drives a running Nest Payments with the journeys of its users,
// and tells how long requests took and whether the answers were right.
//
//	loadtest --url http://127.0.0.1:8080 --rate 20 --duration 1m --json run.json --plots plots
//
// # Load
//
// The model is open: journeys arrive at a rate, as a Poisson process or evenly,
// and neither wait for earlier ones nor are put off by slow answers (arrivals.go).
// The same seed is the same arrivals, journeys and known users. journeys.go has the
// journeys, user_requests.go and payment_requests.go what a right answer to each of
// their requests is.
//
// # When a request is due
//
// The first request of a journey is due when the journey arrives. Every later one
// depends on the answer before it, and is due when that has come and the think time
// is over. Two requests that a retrying client sends at once are due at once.
//
// The response time of a request is from when it was due to when its answer had
// been read, the service time from when it was handed to the client. Both include
// what a user of the generated client waits for: the wait for a connection, and
// the decoding. Their difference is how late this program was. So a server that
// stalls shows in the response times of all who arrived meanwhile, and a generator
// that is too slow shows in a difference, and in the lag that is reported: no
// omission is coordinated with the server. A timer is always a little late: by 0.7 to
// 0.8 ms at the median, in three runs of 200 journeys a second on a busy machine.
//
// The times of a journey are from its arrival, or its first request, to the end of
// its last one, without the think time in between.
//
// # What counts
//
// A distribution has right answers, and what was waited for in vain: those
// that timed out or were cut at the end of the run, with the time that was waited.
// Answers that were wrong otherwise are counted by operation, status and problem
// code, and 429 apart from them. None of these is in a distribution: a refusal is
// no fast answer. A journey ends at its first fault. Requests that a client drops
// on purpose (journey retrier) are in no figure.
//
// Times are exact to 0.1 %, and over the run, second by second, to 1 %.
//
// # When a run fails
//
// The program ends with an error, after the figures, if an answer was wrong, a limit
// of the server turned a request away, a journey was not over in time, or the run
// was interrupted; and if journeys were dropped, because --max-in-flight of them
// were under way: then less arrived than was asked for, and the server or this
// program cannot keep up.
//
// # Safety
//
// A run is bounded in rate and time. Unless --not-loopback is said, nothing is sent
// to another machine, by name or otherwise. Journeys charge test cards: the server
// must be on the sandbox or on a test key of Stripe. Users and payments stay behind.
// No password, token, email or client secret is printed or written, but for the
// users file, which only its owner can read: it has the password of the known users.
// Two runs at once need two of these files.
package main
