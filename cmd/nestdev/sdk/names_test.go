package sdk_test

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// ugly are names that a generator makes up where it finds none in the spec, or
// where it splits a type in two.
var ugly = regexp.MustCompile(`Inline|Writable|Readable|_response|_request|[0-9]{3}(Response|$)|Schema[0-9]|AnyOf|OneOf|AllOf`)

// sample is what the README shows of the names: the call that creates a payment
// and the type that it returns.
type sample struct{ call, returns string }

// namingFaults tells what is wrong with the names of an SDK.
func namingFaults(names []string, s sample, allowed []string) []string {
	var faults []string
	needed := map[string]bool{}
	for _, n := range names {
		if !ugly.MatchString(n) {
			continue
		}
		pattern := slices.IndexFunc(allowed, func(pattern string) bool { ok, _ := path.Match(pattern, n); return ok })
		if pattern < 0 {
			faults = append(faults, fmt.Sprintf("%s is an ugly name: mend the spec or the configuration, or give the reason in allowed-names.txt", n))
			continue
		}
		needed[allowed[pattern]] = true
	}
	for _, n := range []string{s.call, s.returns} {
		if !slices.Contains(names, n) {
			faults = append(faults, fmt.Sprintf("sample.txt has %s, which is not among the %d names", n, len(names)))
		}
	}
	for _, pattern := range allowed {
		if !needed[pattern] {
			faults = append(faults, fmt.Sprintf("allowed-names.txt has %s, which no ugly name needs", pattern))
		}
	}
	return faults
}

// readSample reads "CALL → TYPE" from sample.txt.
func readSample(t *testing.T, folder string) sample {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "sample.txt"))
	if err != nil {
		t.Fatal(err)
	}
	call, returns, found := strings.Cut(strings.TrimSpace(string(text)), " → ")
	if !found || strings.Contains(returns, "\n") {
		t.Fatalf("%s/sample.txt is %q, want CALL → TYPE", folder, text)
	}
	return sample{call, returns}
}

// readAllowed reads allowed-names.txt, if there is one: on each line a name, or a
// pattern of [path.Match] for a family of them, a colon and the reason.
func readAllowed(t *testing.T, folder string) (allowed []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "allowed-names.txt"))
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		pattern, reason, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if _, err := path.Match(pattern, ""); err != nil || reason == "" {
			t.Errorf("%s/allowed-names.txt: %q: want a name, a colon and the reason: %v", folder, line, err)
		}
		allowed = append(allowed, pattern)
	}
	return allowed
}

func TestNamingFaults(t *testing.T) {
	t.Parallel()
	s := sample{"createPayment", "PaymentCreatedDto"}
	good := []string{"createPayment", "PaymentCreatedDto"}
	for _, tc := range []struct {
		name    string
		names   []string
		allowed []string
		faults  int
	}{
		{"good names", good, nil, 0},
		{"a type for each status", append(good, "CreatePayment402", "CreatePayment402Response", "CreatePayment402ResponseInner"), nil, 3},
		{"an inline schema", append(good, "InlineObject"), nil, 1},
		{"a type split in two", append(good, "CreateUserDtoWritable"), nil, 1},
		{"a made-up response type", append(good, "create_payment_response"), nil, 1},
		{"an ugly name with a reason", append(good, "InlineObject"), []string{"InlineObject"}, 0},
		{"a family with a reason", append(good, "get200", "get402"), []string{"get[0-9][0-9][0-9]"}, 0},
		{"one name that is not of the family", append(good, "get200", "put402"), []string{"get[0-9][0-9][0-9]"}, 1},
		{"a reason for a name that is gone", good, []string{"InlineObject"}, 1},
		{"a sample that is gone", good[:1], nil, 1},
	} {
		if faults := namingFaults(tc.names, s, tc.allowed); len(faults) != tc.faults {
			t.Errorf("%s: got %q, want %d faults", tc.name, faults, tc.faults)
		}
	}
}
