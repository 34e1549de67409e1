package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// check reports a value outside of the option's bounds, and an empty one where the default
// is not empty: what is written is used or refused, never replaced.
func (o option) check() error {
	kind, value := o.flag.Value.Type(), o.flag.Value.String()
	if kind == "string" && value == "" && o.flag.DefValue != "" {
		return fmt.Errorf("%s is empty: write a value, or leave it out for the default, %s", o.name(), o.flag.DefValue)
	}
	if o.min == "" && o.max == "" {
		return nil
	}
	got := number(kind, value)
	// Written so that it refuses what is not a number at all.
	if (o.min == "" || got >= number(kind, o.min)) && (o.max == "" || got <= number(kind, o.max)) {
		return nil
	}
	bounds := o.min + " or more"
	if o.max != "" {
		bounds = o.min + " to " + o.max
	}
	return fmt.Errorf("%s is %s: it must be %s%s", o.name(), value, bounds, o.in())
}

// in is the unit as the end of a sentence.
func (o option) in() string {
	if o.unit == "" {
		return ""
	}
	return ", in " + o.unit
}

// number reads a number or a duration, which has been read before.
func number(kind, text string) float64 {
	if kind == "duration" {
		d, _ := time.ParseDuration(text)
		return float64(d)
	}
	n, _ := strconv.ParseFloat(text, 64)
	return n
}

var (
	digitsAlone = regexp.MustCompile(`^[0-9]{1,9}$`)
	twoDecimals = regexp.MustCompile(`^[0-9]{1,9}[.,][0-9]{2}$`)
)

// unreadable says how to write a value that cannot be read. It repeats the value only in
// forms that no secret has.
func (o option) unreadable(value string) error {
	fix := ""
	switch kind := o.flag.Value.Type(); {
	case kind == "duration" && digitsAlone.MatchString(value):
		fix = fmt.Sprintf(", with a unit: %ss for seconds", value)
	case kind == "duration":
		fix = ", with a unit (ms, s, m or h)"
	case o.unit != "" && twoDecimals.MatchString(value):
		whole := strings.TrimLeft(value[:len(value)-3]+value[len(value)-2:], "0")
		fix = fmt.Sprintf("%s: %s for %s if the currency has two decimals (those without, such as jpy, take whole amounts)", o.in(), whole, value)
	default:
		fix = o.in()
	}
	return fmt.Errorf("%s cannot be read: write it like its default, %s%s", o.name(), o.flag.DefValue, fix)
}

// withoutValue is an error of the flags that repeats no value: it may be a secret in the
// wrong place.
func (c *command) withoutValue(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	for _, o := range c.options {
		if o.flag == flag {
			o.variable = "" // the flag is at fault
			return o.unreadable(invalid.GetValue())
		}
	}
	return fmt.Errorf("--%s cannot be read: write it like its default, %s", flag.Name, flag.DefValue)
}
