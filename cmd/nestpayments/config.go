package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/nestpayments/nestpayments/server/telemetry"
)

// configCommand prints what serve would run with.
type configCommand struct{ serveCommand }

// Run prints every variable with its effective value, secrets masked, then what is worth
// a look, and fails with all that is wrong. It opens no database and listens nowhere.
func (c configCommand) Run(_ context.Context, env *environment, out output) error {
	reportTraceFaults(func(fault string) { _, _ = fmt.Fprintf(out, "warning: OpenTelemetry reports a fault: %s\n", fault) })
	for _, o := range env.options {
		value := o.shown()
		if env.faulty[o.variable] {
			value = "(refused)"
		}
		if _, err := fmt.Fprintf(out, "%s=%s\n", o.variable, value); err != nil {
			return err
		}
	}
	for _, warning := range c.warnings(env) {
		if _, err := fmt.Fprintf(out, "warning: %s\n", telemetry.Redact(warning)); err != nil {
			return err
		}
	}
	return c.check(env)
}

// shown returns the value of an option in one line, without secrets: neither that of a
// secret option, nor one that was put into another.
func (o option) shown() string {
	value := o.flag.Value.String()
	if o.secret && value != "" {
		value = mask(value)
	}
	if l, ok := o.flag.Value.(list); ok && o.files {
		value = maskUnlessFiles(*l.items)
	}
	if !utf8.ValidString(value) { // the bytes of a key
		value = masked
	}
	return telemetry.Redact(strings.NewReplacer("\n", `\n`, "\r", `\r`).Replace(value))
}

const masked = "***"

// maskUnlessFiles joins the items and hides each that is not the name of a file.
func maskUnlessFiles(items []string) string {
	shown := make([]string, len(items))
	for i, item := range items {
		shown[i] = masked
		if _, err := os.Stat(item); err == nil {
			shown[i] = item
		}
	}
	return strings.Join(shown, ",")
}

// mask hides a secret, but of the URL of a database only the user, the password and the
// options.
func mask(value string) string {
	if strings.HasPrefix(value, "sqlite:") {
		return value
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return masked
	}
	shown := u.Scheme + "://" + u.Host + u.Path
	if u.User != nil {
		shown = u.Scheme + "://" + masked + "@" + u.Host + u.Path
	}
	if u.RawQuery != "" { // may hold the password of a key file
		shown += "?" + masked
	}
	return shown
}
