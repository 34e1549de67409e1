package server

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/oasdiff/oasdiff/checker"
	"github.com/oasdiff/yaml"

	"github.com/nestpayments/nestpayments/gen"
)

// released is openapi.yaml as it was last released. README, Release, says when it is
// replaced.
const released = "testdata/released.yaml"

const changelogPath = "../CHANGELOG.md"

var update = flag.Bool("update", false, "write the list of changes in CHANGELOG.md anew, and testdata/budget.txt")

// A client of the last release works with us, or sees by the first number of the
// version that it may not.
func TestBreakingChangesRaiseTheMajorVersion(t *testing.T) {
	t.Parallel()
	last, now := releasedVersion(t), mustVersion(t, mustSpec(t).Info.Version)
	if now[0] > last[0] {
		return
	}
	for _, c := range changes(t, released, checker.WARN) {
		t.Errorf("breaks clients of %s: %s: %s\nundo it; or, if clients must break, make info.version of openapi.yaml %d.0.0", last, c.where(), c.text, last[0]+1)
	}
}

// Two texts under one version are two APIs that nobody can tell apart.
func TestAChangeRaisesTheVersion(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(released)
	if err != nil {
		t.Fatal(err)
	}
	last, now := releasedVersion(t), mustVersion(t, mustSpec(t).Info.Version)
	switch order := slices.Compare(now[:], last[:]); {
	case order < 0:
		t.Errorf("info.version of openapi.yaml is %s, and %s is released", now, last)
	case order == 0 && !reflect.DeepEqual(meaning(t, text), meaning(t, gen.OpenAPI)):
		t.Errorf("openapi.yaml is not what was released as %s: raise info.version (the second number for what clients may use, the third for words),"+
			" head a section of CHANGELOG.md with it, and run: go test ./server -run TestChangelog -update", last)
	case order > 0 && len(changes(t, released, checker.INFO)) > 0 && now[0] == last[0] && now[1] == last[1]:
		t.Errorf("openapi.yaml has more than new words since %s, so %s will not do: raise the second number", last, now)
	}
}

// meaning is what a YAML document says, however it is laid out.
func meaning(t *testing.T, text []byte) (value any) {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(asJSON, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// version is a semantic version: major, minor, patch.
type version [3]int

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

func mustVersion(t *testing.T, text string) (v version) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		t.Fatalf("the version is %q, want three numbers", text)
	}
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			t.Fatalf("the version is %q, want three numbers", text)
		}
		v[i] = int(n)
	}
	return v
}

func releasedVersion(t *testing.T) version {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromFile(released)
	if err != nil {
		t.Fatal(err)
	}
	return mustVersion(t, spec.Info.Version)
}

const (
	changesBegin = "<!-- changes, as oasdiff finds them -->\n"
	changesEnd   = "<!-- /changes -->\n"
)

// The top section of the changelog is this version's, and lists every change of the
// API since the last release.
func TestChangelog(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile(changelogPath)
	if err != nil {
		t.Fatal(err)
	}
	text, heading := string(file), "## "+mustSpec(t).Info.Version+"\n"
	at := strings.Index(text, "## ")
	if at < 0 || !strings.HasPrefix(text[at:], heading) {
		t.Fatalf("the top section of CHANGELOG.md is not headed %q, as info.version of openapi.yaml has it", strings.TrimSpace(heading))
	}
	if releasedVersion(t).String() == mustSpec(t).Info.Version {
		return // released, and written
	}
	section := text[at:]
	if next := strings.Index(section[1:], "\n## "); next >= 0 {
		section = section[:next+2]
	}
	_, rest, begins := strings.Cut(section, changesBegin)
	listed, _, ends := strings.Cut(rest, changesEnd)
	if !begins || !ends {
		t.Fatalf("the section %shas no place for the changes: put these two lines into it\n%s%s", heading, changesBegin, changesEnd)
	}
	want := changeList(changes(t, released, checker.INFO))
	if listed == want {
		return
	}
	if !*update {
		t.Fatalf("CHANGELOG.md lists\n%swant\n%srun: go test ./server -run TestChangelog -update", listed, want)
	}
	mended := strings.Replace(section, changesBegin+listed+changesEnd, changesBegin+want+changesEnd, 1)
	if err := os.WriteFile(changelogPath, []byte(text[:at]+mended+text[at+len(section):]), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ofStatus is what oasdiff says of each status anew.
var ofStatus = regexp.MustCompile(` for the status .\d+.$`)

// changeList is a line for each change, with the operations that have it; a change
// of many responses of an operation is one.
func changeList(found []change) string {
	operations := map[string][]string{}
	for _, c := range found {
		text := ofStatus.ReplaceAllString(c.text, "")
		if !slices.Contains(operations[text], c.where()) {
			operations[text] = append(operations[text], c.where())
		}
	}
	texts := slices.Collect(maps.Keys(operations))
	slices.SortFunc(texts, func(a, b string) int {
		return cmp.Or(len(operations[b])-len(operations[a]), strings.Compare(a, b))
	})
	var list strings.Builder
	for _, text := range texts {
		where := fmt.Sprintf("%d operations", len(operations[text]))
		if few := operations[text]; len(few) <= 3 {
			where = "`" + strings.Join(few, "`, `") + "`"
		}
		fmt.Fprintf(&list, "- %s: %s\n", where, text)
	}
	return list.String()
}

// Many changes of the same kind are a line that can be read.
func TestChangeList(t *testing.T) {
	t.Parallel()
	got := changeList([]change{
		{"GET", "/a", "the header `X` was added for the status `200`"}, {"GET", "/a", "the header `X` was added for the status `404`"},
		{"GET", "/b", "the header `X` was added for the status `200`"}, {"GET", "/c", "the header `X` was added for the status `200`"},
		{"PUT", "/c", "the header `X` was added for the status `200`"},
		{"GET", "/a", "added the parameter `limit`"}, {"GET", "/b", "added the parameter `limit`"},
	})
	want := "- 4 operations: the header `X` was added\n- `GET /a`, `GET /b`: added the parameter `limit`\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}
