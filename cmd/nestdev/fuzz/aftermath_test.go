package fuzz_test

import (
	"bufio"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// crashes are what a Go program writes that has a bug.
var crashes = []string{"panic", "fatal error:", "DATA RACE", "superfluous response"}

// secrets never stand in a log, beside the admin's password: access tokens, client
// secrets, keys, password hashes, passwords, and email addresses.
var secrets = []string{"eyJhbGciOi", "_secret_", "sk_test_", "whsec_", "$argon2", password, "@"}

// memoryLimit is the most that nestdev may hold at the end, in MiB. Its sandbox
// keeps every payment in memory, some KiB each.
const memoryLimit = 512

// judge stops the nestdev and holds what it has left behind against what a server
// promises whatever is sent to it. It returns how many payments were charged.
func (d nestdev) judge(t *testing.T) (charged int) {
	t.Helper()
	charged = d.charged(t)
	held := d.memory(t)
	d.Stop()
	requests := d.readLog(t)
	t.Logf("nestdev answered %d requests, charged %d payments, held %d MiB", requests, charged, held)
	return charged
}

// endOfWelcome is the last line of the welcome, which is no part of the log.
const endOfWelcome = `  curl -s $URL/payment -H "Authorization: Bearer $TOKEN"`

// logged matches a line of nestdev's log, and answered one about a request.
var (
	logged   = regexp.MustCompile(`^\d\d:\d\d:\d\d (DBG|INF|WRN|ERR) `)
	answered = regexp.MustCompile(`^\d\d:\d\d:\d\d [A-Z]{3} \S+ \S* ?(\d{3})( |$)`)
)

// readLog looks at every line of the log, but for the welcome, which is not one,
// and returns how many requests it tells of. Of each kind of fault it shows the
// first.
func (d nestdev) readLog(t *testing.T) (requests int) {
	t.Helper()
	file, err := os.Open(d.Log)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	secrets := append(slices.Clone(secrets), d.AdminPassword)
	count, first := map[string]int{}, map[string]string{}
	welcomed := false
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if !welcomed || line == "" {
			welcomed = welcomed || line == endOfWelcome
			continue
		}
		if answered.MatchString(line) {
			requests++
		}
		for _, fault := range faults(line, secrets) {
			if count[fault]++; count[fault] == 1 {
				first[fault] = line
			}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	for fault, n := range count {
		t.Errorf("%d lines of the log %s, the first is\n%s", n, fault, first[fault])
	}
	if requests == 0 {
		t.Error("the log tells of no request")
	}
	return requests
}

// faults says what is wrong with a line of the log.
func faults(line string, secrets []string) (found []string) {
	for _, s := range secrets {
		if strings.Contains(line, s) {
			found = append(found, "hold a secret like "+s)
		}
	}
	for _, c := range crashes {
		if strings.Contains(line, c) {
			found = append(found, "tell of a crash")
		}
	}
	if m := answered.FindStringSubmatch(line); m != nil && m[1] >= "500" {
		found = append(found, "tell of a "+m[1])
	}
	if m := logged.FindStringSubmatch(line); m == nil || m[1] == "ERR" {
		found = append(found, "are no line of a server that is well")
	}
	return found
}

// charged returns how many payments have a charge that succeeded, by the journal of
// the sandbox. None may have two.
func (d nestdev) charged(t *testing.T) int {
	t.Helper()
	var journal struct {
		Charges []struct {
			Status string `json:"status"`
			Intent string `json:"payment_intent"`
		} `json:"charges"`
	}
	d.call(t, "GET", d.Sandbox+"/_sandbox/journal", "", http.StatusOK, &journal)
	succeeded := map[string]int{}
	for _, c := range journal.Charges {
		if c.Status == "succeeded" {
			succeeded[c.Intent]++
		}
	}
	for intent, n := range succeeded {
		if n > 1 {
			t.Errorf("the payment %s was charged %d times", intent, n)
		}
	}
	if len(succeeded) == 0 {
		t.Error("no payment was charged at all, so nothing is known of charging twice")
	}
	return len(succeeded)
}

var resident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// memory returns how much memory nestdev holds, in MiB, where the system tells: 0
// elsewhere.
func (d nestdev) memory(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/" + strconv.Itoa(d.PID) + "/status")
	if err != nil {
		return 0
	}
	m := resident.FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmRSS in\n%s", text)
	}
	kib, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	if kib>>10 > memoryLimit {
		t.Errorf("nestdev holds %d MiB, want at most %d", kib>>10, memoryLimit)
	}
	return kib >> 10
}
