package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the README's table of the configuration again")

// The README's table of the configuration is made from the flags.
func TestREADMEConfigurationTable(t *testing.T) {
	const path, head = "../../README.md", "| Variable | Default | |\n| --- | --- | --- |\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), head)
	if !found {
		t.Fatal("the README has no table of the configuration")
	}
	_, after, _ := strings.Cut(rest, "\n\n")
	want := before + head + configurationTable(t) + "\n" + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if string(text) != want {
		t.Errorf("the README's table of the configuration is not that of the flags: run go test ./cmd/nestpayments -update")
	}
}

func configurationTable(t *testing.T) string {
	t.Helper()
	serve, _ := commandLine().named([]string{"serve"})
	var rows strings.Builder
	for _, o := range serve.options {
		help, required := strings.CutSuffix(o.flag.Usage, " Required.")
		def := "`" + o.flag.DefValue + "`"
		switch {
		case required:
			def = "**required**"
		case o.flag.DefValue == "":
			def = ""
		}
		fmt.Fprintf(&rows, "| `%s` | %s | %s |\n", o.variable, def, help)
	}
	return rows.String()
}
