package sdk_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	readme    = "../../../README.md"
	tableHead = "| Generator | Version | Warnings | How a payment is created | Journey, passed |\n| --- | --- | --- | --- | --- |\n"
)

// tableRow is a row of the README's table, without its end of line.
func tableRow(name, version string, warnings int, s sample, journey string) string {
	const here = "cmd/nestdev/sdk/"
	return fmt.Sprintf("| [%s](%s) | %s | %d | `%s` → `%s` | [%s](%s) |",
		name, here+name, version, warnings, s.call, s.returns, filepath.Base(journey), here+filepath.ToSlash(journey))
}

// checkTable holds the README's table against the rows that were measured, or
// writes them into it. Rows of generators that were not chosen stay.
func checkTable(t *testing.T, generators []*generator, measured []string) {
	t.Helper()
	text, before, rows, after := readTable(t)
	if *only == "" {
		rows = map[string]string{}
	}
	for i, g := range generators {
		rows[g.name] = measured[i]
		t.Log(measured[i])
	}
	want := before + tableHead
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		want += rows[name] + "\n"
	}
	want += after
	if text == want {
		return
	}
	if !*update {
		t.Error("the README's table of generators is not what was measured: run make sdk-check SDKFLAGS=-update")
		return
	}
	if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// readTable returns the README, and what stands in it before the table, in its
// rows by generator, and after it.
func readTable(t *testing.T) (text, before string, rows map[string]string, after string) {
	t.Helper()
	const begin, end = "<!-- sdk table -->\n", "<!-- /sdk table -->\n"
	data, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text = string(data)
	before, rest, found1 := strings.Cut(text, begin)
	table, after, found2 := strings.Cut(rest, end)
	if !found1 || !found2 {
		t.Fatalf("the README has no place for the table, between %q and %q", begin, end)
	}
	rows = map[string]string{}
	for line := range strings.Lines(strings.TrimPrefix(table, tableHead)) {
		name, _, found := strings.Cut(strings.TrimPrefix(line, "| ["), "](")
		if !found {
			t.Fatalf("the README's table of generators has the line %q", line)
		}
		rows[name] = strings.TrimSuffix(line, "\n")
	}
	return text, before + begin, rows, end + after
}

// folders returns the folders of the generators: those with a run.sh.
func folders(t *testing.T) []string {
	t.Helper()
	scripts, err := filepath.Glob("*/run.sh")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no folder has a run.sh: %v", err)
	}
	for i, s := range scripts {
		scripts[i] = filepath.Dir(s)
	}
	return scripts
}

// journeyFile returns the one file of the folder that is called journey, in any
// letter case.
func journeyFile(t *testing.T, folder string) string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		name := strings.ToLower(filepath.Base(path))
		if err == nil && !d.IsDir() && strings.TrimSuffix(name, filepath.Ext(name)) == "journey" {
			found = append(found, path)
		}
		return err
	})
	if err != nil || len(found) != 1 {
		t.Fatalf("%s has the journeys %v, want one: %v", folder, found, err)
	}
	return found[0]
}

// Each folder is complete, each is in the README, and the README has no other.
func TestFoldersAndTableAgree(t *testing.T) {
	t.Parallel()
	_, _, rows, _ := readTable(t)
	for _, name := range folders(t) {
		row, found := rows[name]
		if !found {
			t.Errorf("the README's table has no row for %s: run make sdk-check SDKFLAGS=-update", name)
			continue
		}
		delete(rows, name)
		readAllowed(t, name)
		s := readSample(t, name)
		if shown := fmt.Sprintf("`%s` → `%s`", s.call, s.returns); !strings.Contains(row, shown) {
			t.Errorf("the README's row for %s is %s, want it to show %s", name, row, shown)
		}
		if journey := journeyFile(t, name); !strings.Contains(row, "cmd/nestdev/sdk/"+filepath.ToSlash(journey)) {
			t.Errorf("the README's row for %s is %s, want it to lead to %s", name, row, journey)
		}
	}
	for name := range rows {
		t.Errorf("the README's table has a row for %s, which has no folder", name)
	}
}

func TestWarningsAreCountedByTheLine(t *testing.T) {
	t.Parallel()
	for printed, want := range map[string]int{
		"":                                    0,
		"done\n":                              0,
		"swarn\n":                             0,
		"[main] WARN  o.o.c - a\nwarning: b":  2,
		"a warning about a warning\nok\nok\n": 1,
		"WARN a\nWARN b\nWARN a\n":            2,
	} {
		if got := warnings(printed); got != want {
			t.Errorf("%q: got %d warnings, want %d", printed, got, want)
		}
	}
}
