package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// configCommand prints what serve would run with.
type configCommand struct{ serveCommand }

// Run prints every variable with its effective value, secrets masked, and fails
// with all that is wrong with them. It opens no database and listens nowhere.
func (c configCommand) Run(_ context.Context, env *environment, out output) error {
	for _, o := range env.options {
		value := o.flag.Value.String()
		if o.secret && value != "" {
			value = mask(value)
		}
		if _, err := fmt.Fprintf(out, "%s=%s\n", o.variable, value); err != nil {
			return err
		}
	}
	return c.check(env)
}

const masked = "***"

// mask hides a secret, but of the URL of a database its password alone.
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
