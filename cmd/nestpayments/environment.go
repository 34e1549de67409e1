package main

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// environment gives flags that the command line leaves out the value of their
// variable: NAME, or what the file holds that NAME_FILE names, so that secrets can
// be files. A value that cannot be read is a fault, and its flag keeps its default,
// so that all faults are found in one go. No fault repeats a value: a secret may
// have been put into the wrong variable.
type environment struct{ faults []error }

// Validate has nothing to say of the flags.
func (*environment) Validate(*kong.Application) error { return nil }

// Resolve returns the value of the flag, nil if its variables are not set.
func (e *environment) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		value, set, err := lookup(name)
		if err == nil && set {
			scratch := reflect.New(flag.Target.Type()).Elem()
			if flag.Parse(kong.ScanFromTokens(kong.Token{Type: kong.FlagValueToken, Value: value}), scratch) == nil {
				return value, nil
			}
			err = fmt.Errorf("%s cannot be read: write it like its default, %s", name, flag.Default)
		}
		if err != nil {
			e.faults = append(e.faults, err)
			return flag.Default, nil
		}
	}
	return nil, nil
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
