package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	random "math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nestpayments/nestpayments/gen/client"
)

// person is a user of the API.
type person struct {
	name, email, password string
	// token and id are known once the person has been made ready.
	token, id string
	// begun is how many payments this run has begun for the person.
	begun atomic.Int64
}

// cast is everybody in a run.
type cast struct {
	// identity is who the known users are. It is what a users file holds.
	identity struct {
		Prefix   string `json:"prefix"`
		Password string `json:"password"`
	}
	// run is no other run's: in cuids and in the names of new users.
	run   string
	known []*person
}

// newCast takes the identity of the known users from the file, or makes one and
// keeps it there. Without a file, nobody knows them after the run.
func newCast(file string) (*cast, error) {
	c := &cast{run: strings.ToLower(rand.Text())}
	if file != "" {
		text, err := os.ReadFile(file) // #nosec G304 -- the caller's own choice
		if err == nil {
			if err = json.Unmarshal(text, &c.identity); err != nil || c.identity.Prefix == "" || c.identity.Password == "" {
				return nil, fmt.Errorf("%s is not what a run of this program has written: delete it, or choose another file", file)
			}
			return c, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("users file: %w", err)
		}
	}
	c.identity.Prefix, c.identity.Password = "loadtest-"+strings.ToLower(rand.Text()[:10]), rand.Text()
	if file == "" {
		return c, nil
	}
	text, err := json.Marshal(c.identity) // #nosec G117 -- a file for its owner alone
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("users file: %w", err)
	}
	return c, nil
}

// someone is a known user.
func (c *cast) someone(r *random.Rand) *person { return c.known[r.IntN(len(c.known))] }

// newcomer is somebody whom the server does not know yet. tag is nobody else's.
func (c *cast) newcomer(tag string) *person {
	return &person{name: "Load Test", email: c.identity.Prefix + "-" + tag + "@example.com", password: c.identity.Password}
}

// prepare logs in or registers the known users, and lets each make as many
// payments as a reader reads pages of, unless they have. One request goes out at
// a time: the server hashes few passwords at once.
func (l *load) prepare(ctx context.Context, users int) error {
	v := l.newVisit(0, "", time.Now())
	v.load = &load{api: l.api, cast: l.cast, timeout: l.timeout, rec: newRecorder(time.Minute)}
	v.rec.begin(time.Now())
	stranger := false
	for n := range users {
		p := l.cast.newcomer(fmt.Sprint("known-", n))
		var err error
		if stranger, err = v.enter(ctx, p, stranger); err != nil {
			return advise(err)
		}
		if err := v.identify(ctx, p); err != nil {
			return advise(err)
		}
		if err := v.fillPages(ctx, p, fmt.Sprintf("%s-ready-%d", l.cast.run, n)); err != nil {
			return advise(err)
		}
		p.begun.Store(0)
		l.cast.known = append(l.cast.known, p)
	}
	return nil
}

// enter logs a known user in, or registers one whom the server does not know, and
// tells which. Those behind a stranger are strangers too: they are registered
// at once, as a failed login counts against a limit.
func (v *visit) enter(ctx context.Context, p *person, stranger bool) (bool, error) {
	if !stranger {
		err := v.login(ctx, p)
		if !isFault(err, http.StatusUnauthorized) {
			return false, err
		}
	}
	err := v.register(ctx, p)
	if isFault(err, http.StatusConflict) {
		return false, v.login(ctx, p)
	}
	return true, err
}

// fillPages makes payments until the person has as many as a reader reads.
func (v *visit) fillPages(ctx context.Context, p *person, tag string) error {
	const enough = pageSize * (readPages - 1)
	have := 0
	_, err := v.page(ctx, p, enough, "", func(list []client.ReturnPaymentDto) string { have = len(list); return "" })
	for i := have; i < enough && err == nil; i++ {
		made := payment{cuid: fmt.Sprintf("%s-%d", tag, i)}
		if err = v.create(ctx, p, &made, statusOpen); err == nil {
			err = v.pay(ctx, p, made)
		}
	}
	return err
}

func isFault(err error, status int) bool {
	var f *fault
	return errors.As(err, &f) && f.Status == status
}

// advise adds what to do about a limit.
func advise(err error) error {
	var f *fault
	if errors.As(err, &f) && f.limited() {
		return fmt.Errorf("%w: %s", err, limitAdvice(limitOf(f.Operation, f.Code)))
	}
	return err
}
