package sandbox

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// back is the page of ours that a form came from, the overview if it names none.
func back(r *http.Request) string {
	to := r.PostFormValue("back")
	u, err := url.Parse(to)
	if err != nil || !strings.HasPrefix(to, controlPrefix) || u.IsAbs() || u.Host != "" {
		return controlPrefix
	}
	return to
}

// outcome reads one of two words.
func outcome(r *http.Request, good string) (bool, error) {
	switch r.PostFormValue("outcome") {
	case good:
		return true, nil
	case "fail":
		return false, nil
	}
	return false, fmt.Errorf("%w: outcome is neither %q nor %q", errBadRequest, good, "fail")
}

func (s *Sandbox) challengeForm(r *http.Request) error {
	pass, err := outcome(r, "pass")
	if err != nil {
		return err
	}
	return s.Challenge(r.PathValue("id"), pass)
}

func (s *Sandbox) settleForm(r *http.Request) error {
	succeed, err := outcome(r, "succeed")
	if err != nil {
		return err
	}
	return s.Settle(r.PathValue("id"), succeed)
}

func (s *Sandbox) resendForm(r *http.Request) error { return s.SendEvent(r.PathValue("id")) }

// armForm switches a fault on. Without times it strikes until it is switched
// off; chance is in per cent and wait in seconds.
func (s *Sandbox) armForm(r *http.Request) error {
	f := Fault{Match: r.PostFormValue("match"), Kind: FaultKind(r.PostFormValue("kind"))}
	chance, err := formNumber(r, "chance", 100)
	if err != nil {
		return err
	}
	wait, err := formNumber(r, "wait", 0)
	if err != nil {
		return err
	}
	times, err := formNumber(r, "times", 0)
	if err != nil {
		return err
	}
	f.Times, f.Delay = int(times), time.Duration(wait*float64(time.Second))
	// Zero would be no probability but the default.
	if chance <= 0 || chance > 100 {
		return fmt.Errorf("%w: chance is not above 0 and up to 100", errBadRequest)
	}
	if f.Times == 0 || chance < 100 {
		f.Probability = chance / 100
	}
	if err := s.AddFault(f); err != nil {
		return fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return nil
}

// formNumber reads a number that people would write.
func formNumber(r *http.Request, name string, otherwise float64) (float64, error) {
	text := strings.TrimSpace(r.PostFormValue(name))
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= 0 && n <= 1e6) {
		return 0, fmt.Errorf("%w: %s is not a number from 0 to 1000000", errBadRequest, name)
	}
	return n, nil
}

// disarmForm switches off the fault of a number, all of a kind, or "all".
func (s *Sandbox) disarmForm(r *http.Request) error {
	which := r.PostFormValue("fault")
	if which == "all" {
		s.ClearFaults()
		return nil
	}
	number, err := strconv.Atoi(which)
	if err != nil {
		return fmt.Errorf("%w: fault is neither a number nor %q", errBadRequest, "all")
	}
	// One that has struck for the last time meanwhile is off, as was asked.
	s.disarm(func(f armedFault) bool { return f.number == number })
	return nil
}
