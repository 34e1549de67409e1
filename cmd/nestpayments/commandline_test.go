package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

// probe is a program that takes one of everything and notes what it got.
type probe struct {
	Shout probeCommand `cmd:"" default:"" help:"Shout."`
	Group struct {
		Whisper probeCommand `cmd:"" help:"Whisper."`
	} `cmd:"" help:"A group."`
}

type probeCommand struct {
	probeCommon
	Word  string        `arg:"" help:"What to say."`
	Loud  bool          `help:"Louder."`
	Times int           `env:"PROBE_TIMES" default:"1" help:"How often."`
	Cents int64         `default:"5" help:"The price."`
	Rate  float64       `env:"PROBE_RATE" default:"0.5" help:"The rate."`
	Pause time.Duration `default:"1s" help:"The pause."`
	Level slog.Level    `default:"info" help:"The level."`
	APIs  []string      `name:"api-list" env:"PROBE_APIS" placeholder:"A,…" help:"Several."`
}

type probeCommon struct {
	BaseURL string `env:"PROBE_BASE_URL" secret:"" placeholder:"URL" help:"Where."`
}

func (p *probeCommand) Run(_ context.Context, env *environment, _ output) error {
	if len(env.faults) > 0 {
		return env.faults[0]
	}
	return nil
}

// asked runs the probe, and returns the command as its Run saw it.
func asked(t *testing.T, args ...string) (*probeCommand, error) {
	t.Helper()
	c, rest := describe("probe", "A probe.", &probe{}).named(args)
	err := c.run(t.Context(), rest, output{io.Discard})
	p, _ := c.does.(*probeCommand)
	return p, err
}

func TestCommandLineReadsEveryKindOfFlag(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args string
		want probeCommand
	}{
		{"without flags there are the defaults", "hi",
			probeCommand{Word: "hi", Times: 1, Cents: 5, Rate: 0.5, Pause: time.Second}},
		{"a value behind = or behind a space", "--times=3 --cents 7 --rate=2 --pause 1m --level debug --base-url=http://x hi",
			probeCommand{probeCommon: probeCommon{"http://x"}, Word: "hi", Times: 3, Cents: 7, Rate: 2, Pause: time.Minute, Level: slog.LevelDebug}},
		{"flags behind the argument", "hi --loud --times 2", probeCommand{Word: "hi", Loud: true, Times: 2, Cents: 5, Rate: 0.5, Pause: time.Second}},
		{"a negative number", "hi --times -2", probeCommand{Word: "hi", Times: -2, Cents: 5, Rate: 0.5, Pause: time.Second}},
		{"an argument behind -- may begin like a flag", "-- --loud", probeCommand{Word: "--loud", Times: 1, Cents: 5, Rate: 0.5, Pause: time.Second}},
		{"a list between commas, and one a flag", `hi --api-list a,b --api-list=c\,d`,
			probeCommand{Word: "hi", Times: 1, Cents: 5, Rate: 0.5, Pause: time.Second, APIs: []string{"a", "b", "c,d"}}},
		{"a command by its name", "group whisper hi", probeCommand{Word: "hi", Times: 1, Cents: 5, Rate: 0.5, Pause: time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := asked(t, strings.Fields(tc.args)...)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got.APIs, tc.want.APIs) {
				t.Errorf("got the list %q, want %q", got.APIs, tc.want.APIs)
			}
			a, b := *got, tc.want
			a.APIs, b.APIs = nil, nil
			if a.probeCommon != b.probeCommon || a.Word != b.Word || a.Loud != b.Loud || a.Times != b.Times || a.Cents != b.Cents ||
				a.Rate != b.Rate || a.Pause != b.Pause || a.Level != b.Level {
				t.Errorf("got %+v, want %+v", a, b)
			}
		})
	}
}

func TestCommandLineRefusals(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, args, want string }{
		{"a flag that is not known", "hi --hunter", "unknown flag: --hunter"},
		{"one letter that is not known", "hi -x", "'x' in -x"},
		{"a number that is none", "hi --times hunter2", "--times cannot be read: write it like its default, 1"},
		{"a flag without its value at the end", "hi --times", "flag needs an argument: --times"},
		{"a flag that takes the next one for its value", "hi --base-url --loud", "--base-url needs a value"},
		{"no argument", "--loud", "expected <word>"},
		{"an argument too many", "hi ho", "unexpected argument ho"},
		{"a group without its command", "group", "expected one of whisper"},
		{"a command that the group does not have", "group sing", "unexpected argument sing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := asked(t, strings.Fields(tc.args)...)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want it to say %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("it repeats the value: %v", err)
			}
		})
	}
}

func TestVariablesGiveWayToFlags(t *testing.T) {
	t.Setenv("PROBE_TIMES", "7")
	t.Setenv("PROBE_APIS", "a,b")
	t.Setenv("PROBE_BASE_URL", "")
	got, err := asked(t, "hi", "--api-list", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got.Times != 7 || !slices.Equal(got.APIs, []string{"c"}) {
		t.Errorf("got %d and %q, want 7 of the variable and c of the flag", got.Times, got.APIs)
	}
	t.Setenv("PROBE_RATE", "hunter2")
	got, err = asked(t, "hi")
	if want := "PROBE_RATE cannot be read: write it like its default, 0.5"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if got.Rate != 0.5 {
		t.Errorf("got %v, want the default", got.Rate)
	}
}

// Every command of the program does something, and its help names all that it takes.
func TestEveryCommandHasHelp(t *testing.T) {
	t.Parallel()
	var visit func(c *command)
	visit = func(c *command) {
		for _, sub := range c.commands {
			visit(sub)
		}
		if _, ok := c.does.(runner); !ok && len(c.commands) == 0 {
			t.Errorf("%s does nothing", c.path)
		}
		var out bytes.Buffer
		if err := run(t.Context(), append(strings.Fields(c.path)[1:], "--help"), &out); err != nil {
			t.Fatalf("%s --help: %v", c.path, err)
		}
		var wants []string
		for _, sub := range c.commands {
			for _, leaf := range append(sub.commands, sub) {
				if len(leaf.commands) == 0 {
					wants = append(wants, leaf.path)
				}
			}
		}
		for _, a := range c.arguments {
			wants = append(wants, "<"+a.name+">")
		}
		for _, o := range c.options {
			wants = append(wants, "  --"+o.flag.Name)
			if o.variable != "" {
				wants = append(wants, "[$"+o.variable+"]")
			}
		}
		for _, want := range append(wants, "Usage: "+c.path) {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the help of %s does not have %q:\n%s", c.path, want, &out)
			}
		}
		for line := range strings.Lines(out.String()) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 80 {
				t.Errorf("the help of %s has a line of %d characters: %s", c.path, n, line)
			}
		}
	}
	visit(commandLine())
}
