package main

import (
	"context"
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

// configCommand prints what serve would run with.
type configCommand struct{ serveCommand }

// Run prints every variable with its effective value, secrets masked, and fails
// with all that is wrong with them. It opens no database and listens nowhere.
func (c configCommand) Run(ctx context.Context, k *kong.Context, env *environment, out output) error {
	for _, f := range k.Flags() {
		if len(f.Envs) == 0 {
			continue
		}
		value := text(k.FlagValue(f))
		if f.Tag.Has("secret") && value != "" {
			value = mask(value)
		}
		if _, err := fmt.Fprintf(out, "%s=%s\n", f.Envs[0], value); err != nil {
			return err
		}
	}
	return c.check(env)
}

// text writes a value as its variable would have it.
func text(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Slice {
		items := make([]string, v.Len())
		for i := range items {
			items[i] = fmt.Sprint(v.Index(i))
		}
		return strings.Join(items, ",")
	}
	return fmt.Sprint(value)
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
