package main

import (
	"encoding"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// option is a flag of a command.
type option struct {
	flag *pflag.Flag
	// placeholder stands for the value in the help where there is no default.
	placeholder string
	// variable is the one of the environment that does the same, or empty.
	variable string
	secret   bool
	// files says that the values are names of files, and that any other may be a secret.
	files bool
	// min and max bound a number or a duration; empty means no bound. unit says what a
	// number counts.
	min, max, unit string
}

// name is what an operator calls the option: the variable, unless it was given as a flag.
func (o option) name() string {
	if o.variable == "" || o.flag.Changed {
		return "--" + o.flag.Name
	}
	return o.variable
}

// newFlags has the flag that every command has.
func newFlags() *pflag.FlagSet {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.Usage = func() {}
	f.BoolP("help", "h", false, "Show this help.")
	return f
}

// wordEnd is the place between two words of a field's name.
var wordEnd = regexp.MustCompile(`([a-z])([A-Z])`)

// addFlag makes the field a flag, named like it (PriceLimit is --price-limit) or by
// its tag name. The tags default, help, placeholder, min, max and unit are what they say,
// env names its variable, and secret hides its value where the configuration is shown;
// secret:"unless file" hides only the values that name no file. The values of a list stand
// between commas and line breaks, and with sep:"blank" between blanks, too.
func (c *command) addFlag(f reflect.StructField, target reflect.Value) {
	name := f.Tag.Get("name")
	if name == "" {
		name = strings.ToLower(wordEnd.ReplaceAllString(f.Name, "$1-$2"))
	}
	help := f.Tag.Get("help")
	switch to := target.Addr().Interface().(type) {
	case *string:
		c.flags.StringVar(to, name, "", help)
	case *bool:
		c.flags.BoolVar(to, name, false, help)
	case *int:
		c.flags.IntVar(to, name, 0, help)
	case *int64:
		c.flags.Int64Var(to, name, 0, help)
	case *float64:
		c.flags.Float64Var(to, name, 0, help)
	case *time.Duration:
		c.flags.DurationVar(to, name, 0, help)
	case *[]string:
		c.flags.Var(list{to, f.Tag.Get("sep") == "blank"}, name, help)
	case encoding.TextUnmarshaler:
		c.flags.TextVar(to, name, to.(encoding.TextMarshaler), help)
	default:
		panic(fmt.Sprintf("the flag --%s has a type that is not known: %T", name, to))
	}
	flag := c.flags.Lookup(name)
	if def := f.Tag.Get("default"); def != "" {
		if err := flag.Value.Set(def); err != nil {
			panic(fmt.Sprintf("the default of --%s: %v", name, err))
		}
		flag.DefValue = def
	}
	kind, secret := f.Tag.Lookup("secret")
	files := kind == "unless file"
	c.options = append(c.options, option{
		flag: flag, placeholder: f.Tag.Get("placeholder"), variable: f.Tag.Get("env"), secret: secret && !files, files: files,
		min: f.Tag.Get("min"), max: f.Tag.Get("max"), unit: f.Tag.Get("unit"),
	})
}
