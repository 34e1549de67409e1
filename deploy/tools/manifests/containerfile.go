package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// stage is one image of a Containerfile.
type stage struct {
	Name, From string
	Steps      []step
}

// step is an instruction of a stage. Only those that a root file system or the
// process in it follow from have more than a kind.
type step struct {
	Kind string
	// Run is the shell's line of a RUN.
	Run string `json:",omitempty"`
	// From, Sources, Target and Chown are a COPY's.
	From    string   `json:",omitempty"`
	Sources []string `json:",omitempty"`
	Target  string   `json:",omitempty"`
	Chown   string   `json:",omitempty"`
	// Value is that of a WORKDIR, USER, EXPOSE or ENTRYPOINT.
	Value []string `json:",omitempty"`
}

// containerfile reads the file as BuildKit does, takes what BuildKit would warn of
// for a fault, and writes its stages as JSON.
func containerfile(file string, out io.Writer) (err error) {
	f, err := os.Open(file) // #nosec G304 G703 -- the caller names it
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	parsed, err := parser.Parse(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	var faults []error
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, at []parser.Range) {
		faults = append(faults, fmt.Errorf("%s:%d: %s: %s", file, at[0].Start.Line, rule, message))
	}})
	read, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	stages := make([]stage, len(read))
	for i, s := range read {
		stages[i] = stage{Name: s.Name, From: s.BaseName}
		for _, c := range s.Commands {
			stages[i].Steps = append(stages[i].Steps, stepOf(c))
		}
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return errors.Join(append(faults, encoder.Encode(stages))...)
}

func stepOf(c instructions.Command) step {
	s := step{Kind: c.Name()}
	switch c := c.(type) {
	case *instructions.RunCommand:
		s.Run = c.CmdLine[0]
	case *instructions.CopyCommand:
		s.From, s.Sources, s.Target, s.Chown = c.From, c.SourcePaths, c.DestPath, c.Chown
	case *instructions.WorkdirCommand:
		s.Value = []string{c.Path}
	case *instructions.UserCommand:
		s.Value = []string{c.User}
	case *instructions.ExposeCommand:
		s.Value = c.Ports
	case *instructions.EntrypointCommand:
		s.Value = c.CmdLine
	}
	return s
}
