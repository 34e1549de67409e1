package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// environment is what a command may know of its flags and their variables.
type environment struct {
	options []option
	// faults are those of the variables and flags, to be reported together with all
	// others. None repeats a value: a secret may be in the wrong variable.
	faults []error
	// faulty holds the variables that faults are about.
	faulty map[string]bool
	// files are those that a variable with _FILE behind its name has named.
	files []string
}

// readVariables gives flags that the command line leaves out the value of their
// variable: NAME, or the content of the file that NAME_FILE names, so that secrets can
// be files. A flag whose variable cannot be read keeps its default, so that all faults
// are found in one go. A variable that is set and empty counts as not set: deployments
// often pass on variables that have no value. White space and a byte order mark around a
// value are dropped: files and secret managers often add them.
func (c *command) readVariables() *environment {
	env := &environment{options: c.options, faulty: map[string]bool{}}
	for _, o := range c.options {
		err := env.read(o)
		if err == nil {
			err = o.check()
		}
		if err != nil {
			env.faults = append(env.faults, err)
			env.faulty[o.variable] = true
			if o.flag.DefValue != "" {
				_ = o.flag.Value.Set(o.flag.DefValue) // has been set before
			}
		}
	}
	return env
}

// read gives the flag the value of its variable, if it has one.
func (env *environment) read(o option) error {
	if o.variable == "" || o.flag.Changed {
		return nil
	}
	value := trimmed(os.Getenv(o.variable))
	if path := os.Getenv(o.variable + "_FILE"); path != "" {
		if value != "" {
			return fmt.Errorf("%s and %s_FILE are both set: remove one", o.variable, o.variable)
		}
		text, err := os.ReadFile(path) // #nosec G304 G703 -- the operator's own choice
		if err != nil {
			// Not the path: it may be the secret itself.
			return fmt.Errorf("%s_FILE names no file that can be read: %w", o.variable, withoutPath(err))
		}
		env.files = append(env.files, path)
		if value = trimmed(string(text)); value == "" {
			return fmt.Errorf("%s_FILE names a file that is empty", o.variable)
		}
	}
	if value == "" {
		return nil
	}
	// The flags would read a number with a leading zero as octal.
	if kind := o.flag.Value.Type(); strings.HasPrefix(kind, "int") && leadingZero.MatchString(value) || o.flag.Value.Set(value) != nil {
		return o.unreadable(value)
	}
	return nil
}

var leadingZero = regexp.MustCompile(`^[+-]?0.`)

// withoutPath returns the cause of an error about a file, without the name of the file.
func withoutPath(err error) error {
	var about *fs.PathError
	if errors.As(err, &about) {
		return about.Err
	}
	return err
}

// missingError is a variable that is required and not set.
type missingError struct{ variable, fix string }

func (e missingError) Error() string { return e.variable + " is missing: " + e.fix }

// all joins the faults of the environment and the others. A variable that has a fault
// already is not reported as missing, too.
func (env *environment) all(others ...error) error {
	faults := append([]error(nil), env.faults...)
	for _, err := range flatten(others) {
		var missing missingError
		if !errors.As(err, &missing) || !env.faulty[missing.variable] {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// flatten takes joined errors apart, and drops those that are nil.
func flatten(errs []error) (flat []error) {
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			flat = append(flat, flatten(joined.Unwrap())...)
		} else if err != nil {
			flat = append(flat, err)
		}
	}
	return flat
}

// named puts the variable in front of every fault.
func named(variable string, err error) error {
	var faults []error
	for _, fault := range flatten([]error{err}) {
		faults = append(faults, fmt.Errorf("%s: %w", variable, fault))
	}
	return errors.Join(faults...)
}
