package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

// environment is what a command may know of its flags and their variables.
type environment struct {
	options []option
	// faults are what is wrong with the variables, to be told together with all else
	// that is. None repeats a value: a secret may have been put into the wrong one.
	faults []error
}

// readVariables gives flags that the command line leaves out the value of their
// variable: NAME, or what the file holds that NAME_FILE names, so that secrets can
// be files. A flag whose variable cannot be read keeps its default, so that all
// faults are found in one go.
func (c *command) readVariables() *environment {
	env := &environment{options: c.options}
	for _, o := range c.options {
		if o.variable == "" || o.flag.Changed {
			continue
		}
		value, set, err := lookup(o.variable)
		if err == nil && set && o.flag.Value.Set(value) != nil {
			err = fmt.Errorf("%s cannot be read: write it like its default, %s", o.variable, o.flag.DefValue)
		}
		if err != nil {
			env.faults = append(env.faults, err)
		}
	}
	return env
}

// lookup reads the variable, or the file that it names with _FILE behind its name,
// without the line break at the end.
func lookup(name string) (value string, set bool, err error) {
	value, set = os.LookupEnv(name)
	path := os.Getenv(name + "_FILE")
	if path == "" {
		return value, set, nil
	}
	if value != "" {
		return "", false, fmt.Errorf("%s and %s_FILE are both set: take one away", name, name)
	}
	text, err := os.ReadFile(path) // #nosec G304 G703 -- the operator's own choice
	if err != nil {
		// Not the path: the secret itself may have been put in its place.
		return "", false, fmt.Errorf("%s_FILE names no file that can be read: %w", name, errors.Unwrap(err))
	}
	return strings.TrimRight(string(text), "\r\n"), true, nil
}
