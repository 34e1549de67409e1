package chaos_test

import (
	"slices"
	"strings"
	"sync"
)

// mailDomain is where every user of the test has an address.
const mailDomain = "@chaos.example"

// secrets never stand in a log: client secrets, access tokens, keys, webhook
// secrets, password hashes, emails.
var secrets = []string{"_secret_", "eyJ", "sk_test_", "whsec_", "$argon2", mailDomain, password}

// crashes are what a program writes that has a bug.
var crashes = []string{"panic:", "fatal error:", "DATA RACE"}

// logs keep what the programs wrote, as evidence, and look at every line of
// the replicas.
type logs struct {
	verdict *verdict

	mu    sync.Mutex
	lines []string
}

func (l *logs) add(name, line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, name+": "+line)
}

// inspect adds a line that must hold no secret.
func (l *logs) inspect(name, line string) {
	l.add(name, line)
	for _, s := range secrets {
		if strings.Contains(line, s) {
			l.verdict.violate("the log of %s holds %q: %s", name, s, line)
		}
	}
	for _, c := range crashes {
		if strings.Contains(line, c) {
			l.verdict.violate("%s crashed: %s", name, line)
		}
	}
}

// of returns the last lines that hold a text.
func (l *logs) of(text string) string {
	const limit = 30
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return strings.Join(found[max(0, len(found)-limit):], "")
}

// last returns the last line that a program wrote.
func (l *logs) last(name string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range slices.Backward(l.lines) {
		if strings.HasPrefix(line, name+": ") {
			return line
		}
	}
	return ""
}
