package main

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/pflag"
)

// A command line is described by structs. A field with the tag cmd is a command, one
// with the tag arg an argument that must be given, and every other a flag (flags.go).
// An embedded struct lends its fields. It is in our hands because a library that
// finds methods by their names at run time, as those that take commands from structs
// do, makes the linker keep every exported method of every package: a sixth of the
// program.

// runner is a command that does something. The others have commands below them.
type runner interface {
	Run(ctx context.Context, env *environment, out output) error
}

// explainer is a command whose help says more than one line.
type explainer interface{ Help() string }

// command is one that can be named on the command line, or the program itself.
type command struct {
	// path is what to write to reach it, such as "nestpayments admin grant".
	path, help string
	// does is a pointer to the struct that describes it.
	does      any
	flags     *pflag.FlagSet
	options   []option
	arguments []argument
	commands  []*command
	// fallback is run if none of commands is named; nil means that one must be.
	fallback *command
}

// argument is named by its place.
type argument struct {
	name, help string
	target     *string
}

// describe reads the struct that does points to.
func describe(path, help string, does any) *command {
	c := &command{path: path, help: help, does: does, flags: newFlags()}
	c.add(reflect.ValueOf(does).Elem())
	return c
}

func (c *command) add(fields reflect.Value) {
	for i := range fields.NumField() {
		f, target := fields.Type().Field(i), fields.Field(i)
		if f.Anonymous {
			c.add(target)
			continue
		}
		if _, ok := f.Tag.Lookup("cmd"); ok {
			sub := describe(c.path+" "+strings.ToLower(f.Name), f.Tag.Get("help"), target.Addr().Interface())
			c.commands = append(c.commands, sub)
			if _, ok := f.Tag.Lookup("default"); ok {
				c.fallback = sub
			}
			continue
		}
		if _, ok := f.Tag.Lookup("arg"); ok {
			c.arguments = append(c.arguments, argument{strings.ToLower(f.Name), f.Tag.Get("help"), target.Addr().Interface().(*string)})
			continue
		}
		c.addFlag(f, target)
	}
}

// named follows the arguments to the command that they name, and returns the others.
func (c *command) named(args []string) (*command, []string) {
	if len(args) > 0 {
		for _, sub := range c.commands {
			if sub.name() == args[0] {
				return sub.named(args[1:])
			}
		}
		if args[0] == "--help" || args[0] == "-h" {
			return c, args
		}
	}
	if c.fallback != nil {
		return c.fallback, args
	}
	return c, args
}

func (c *command) name() string { return c.path[strings.LastIndexByte(c.path, ' ')+1:] }

// run does what the arguments ask of the command.
func (c *command) run(ctx context.Context, args []string, out output) error {
	if err := c.flags.Parse(args); err != nil {
		return c.withoutValue(err)
	}
	if help, _ := c.flags.GetBool("help"); help {
		_, err := out.Write([]byte(c.manual()))
		return err
	}
	if err := errors.Join(c.missing(), c.take(c.flags.Args())); err != nil {
		return err
	}
	return c.does.(runner).Run(ctx, c.readVariables(), out)
}

// missing names the flags that have taken the next flag for their value.
func (c *command) missing() error {
	var faults []error
	for _, o := range c.options {
		if o.flag.Changed && strings.HasPrefix(o.flag.Value.String(), "--") {
			faults = append(faults, fmt.Errorf("--%s needs a value", o.flag.Name))
		}
	}
	return errors.Join(faults...)
}

// take hands the arguments that are no flags to those who want them.
func (c *command) take(args []string) error {
	if len(args) > len(c.arguments) {
		return fmt.Errorf("unexpected argument %s", args[len(c.arguments)])
	}
	if len(c.commands) > 0 {
		names := make([]string, len(c.commands))
		for i, sub := range c.commands {
			names[i] = sub.name()
		}
		return fmt.Errorf("expected one of %s", strings.Join(names, ", "))
	}
	if missing := c.arguments[len(args):]; len(missing) > 0 {
		return fmt.Errorf("expected <%s>", missing[0].name)
	}
	for i, text := range args {
		*c.arguments[i].target = text
	}
	return nil
}
