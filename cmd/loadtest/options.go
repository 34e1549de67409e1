package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

const description = `Drives a running Nest Payments with the journeys of its users, which arrive at a given rate whether or not earlier ones are done, and tells how long each request took, from when it was due.

Journeys pay with test cards and leave users and payments behind. Run it against a server on the sandbox or on a test key of Stripe, never on a live one.`

// options are the flags.
type options struct {
	URL         string         `default:"http://127.0.0.1:8080" help:"The server to drive: on the sandbox or a test key of Stripe, never a live one."`
	NotLoopback bool           `help:"Drive a server that is not on this machine. You say by it that the server may be loaded, and is not on a live key of Stripe."`
	Rate        float64        `default:"10" help:"How many journeys arrive in a second, 10000 at most."`
	Duration    time.Duration  `default:"30s" help:"For how long journeys arrive, an hour at most."`
	Arrivals    string         `enum:"poisson,constant" default:"poisson" help:"How they arrive: poisson, as independent people do, or constant."`
	Seed        uint64         `default:"1" help:"The same seed is the same arrivals, journeys and users."`
	Mix         map[string]int `mapsep:"," default:"${mix}" help:"Which journeys, by weight: ${journeys}."`
	Think       time.Duration  `default:"100ms" help:"How long people pause between the requests of a journey."`
	Users       int            `default:"20" help:"How many known users there are. They are made ready before the measured time."`
	UsersFile   string         `placeholder:"FILE" help:"Where to keep who the known users are, to use them again in the next run. Without one, each run makes its own."`
	MaxInFlight int            `default:"1000" help:"How many journeys may be under way. Those beyond are dropped, counted, and make the run fail."`
	Timeout     time.Duration  `default:"30s" help:"How long a request may take."`
	Drain       time.Duration  `default:"30s" help:"How long journeys may take to end once no more arrive."`
	JSON        string         `name:"json" placeholder:"FILE" help:"Where to write what was measured, as JSON."`
	Plots       string         `placeholder:"DIR" help:"Where to write plots, as SVG."`
}

// These bound a run. The access tokens of the known users are good for two hours.
const (
	maxDuration = time.Hour
	maxRate     = 10_000
	maxUsers    = 10_000
)

// check reports all that is wrong with the flags together, and returns the mix.
func (o *options) check() (mix, error) {
	var faults []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	refuse(!(o.Rate > 0 && o.Rate <= maxRate), "--rate is %v: it must be above 0 and %d at most", o.Rate, maxRate)
	refuse(o.Duration <= 0 || o.Duration > maxDuration, "--duration is %v: it must be above 0 and %v at most", o.Duration, maxDuration)
	refuse(o.Think < 0 || o.Think > time.Minute, "--think is %v: it must be 0 to %v", o.Think, time.Minute)
	refuse(o.Users < 1 || o.Users > maxUsers, "--users is %d: it must be 1 to %d", o.Users, maxUsers)
	refuse(o.MaxInFlight < 1 || o.MaxInFlight > 100_000, "--max-in-flight is %d: it must be 1 to %d", o.MaxInFlight, 100_000)
	refuse(o.Timeout <= 0 || o.Timeout > time.Minute, "--timeout is %v: it must be above 0 and %v at most", o.Timeout, time.Minute)
	refuse(o.Drain <= 0 || o.Drain > 10*time.Minute, "--drain is %v: it must be above 0 and %v at most", o.Drain, 10*time.Minute)
	mix, err := newMix(o.Mix)
	return mix, errors.Join(errors.Join(faults...), err, o.checkURL())
}

// checkURL lets no target through by accident.
func (o *options) checkURL() error {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return errors.New("--url: write http://HOST:PORT")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return fmt.Errorf("--url: write http://HOST:PORT or https://HOST, not scheme %q and host %q", u.Scheme, u.Hostname())
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("--url: no user, query or fragment, please")
	case !o.NotLoopback && u.Hostname() != "localhost" && !isLoopback(u.Hostname()):
		return fmt.Errorf("--url: %s is not this machine: a load test charges test cards and can stop a server; say --not-loopback if it is yours to load, and on the sandbox or a test key of Stripe", u.Hostname())
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
