package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// controlPrefix begins the paths of the control API: JSON in and out, no key.
const controlPrefix = "/_sandbox/"

// controlAPI serves what the Go methods do to those who come by HTTP.
func (s *Sandbox) controlAPI() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, do func(*http.Request) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			body, err := do(r)
			if err != nil {
				writeControl(w, controlStatus(err), object{"error": err.Error()})
				return
			}
			writeControl(w, http.StatusOK, body)
		})
	}
	handle("GET /_sandbox/journal", func(*http.Request) (any, error) {
		return object{"charges": s.Charges()}, nil
	})
	handle("POST /_sandbox/payment_intents/{id}/challenge", func(r *http.Request) (any, error) {
		return s.controlIntent(r, "pass", s.Challenge)
	})
	handle("POST /_sandbox/payment_intents/{id}/settle", func(r *http.Request) (any, error) {
		return s.controlIntent(r, "succeed", s.Settle)
	})
	handle("POST /_sandbox/events/{id}/send", func(r *http.Request) (any, error) {
		return object{"event": r.PathValue("id")}, s.SendEvent(r.PathValue("id"))
	})
	handle("GET /_sandbox/faults", func(*http.Request) (any, error) { return s.wireFaults(), nil })
	handle("POST /_sandbox/faults", s.postFault)
	handle("DELETE /_sandbox/faults", func(*http.Request) (any, error) {
		s.ClearFaults()
		return s.wireFaults(), nil
	})
	handle(controlPrefix, func(r *http.Request) (any, error) {
		return nil, fmt.Errorf("%s %s: %w", r.Method, r.URL.Path, ErrNotFound)
	})
	return refuseBrowsers(mux)
}

// refuseBrowsers keeps every web page from using the control API, those of this
// machine too: it needs no key.
func refuseBrowsers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			writeControl(w, http.StatusForbidden, object{"error": "the control API is not for web pages"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// errBadRequest: the control request cannot be understood.
var errBadRequest = errors.New("bad request")

func controlStatus(err error) int {
	switch {
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, ErrState), errors.Is(err, ErrBusy), errors.Is(err, ErrNoWebhook):
		return http.StatusConflict
	}
	return http.StatusInternalServerError
}

func writeControl(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a caller that has gone needs no answer
}

func readControl(r *http.Request, into any) error {
	decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return nil
}

// controlIntent reads {"outcome": good} or {"outcome": "fail"} and answers with
// the intent's new status.
func (s *Sandbox) controlIntent(r *http.Request, good string, do func(string, bool) error) (any, error) {
	var body struct {
		Outcome string `json:"outcome"`
	}
	if err := readControl(r, &body); err != nil {
		return nil, err
	}
	if body.Outcome != good && body.Outcome != "fail" {
		return nil, fmt.Errorf("%w: outcome is neither %q nor %q", errBadRequest, good, "fail")
	}
	id := r.PathValue("id")
	if err := do(id, body.Outcome == good); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	in, _ := s.state.intents.get(id)
	return object{"payment_intent": in.ID, "status": in.Status}, nil
}

// wireFault is a Fault in the control API. Delay is as time.ParseDuration has
// it, such as "1.5s".
type wireFault struct {
	Match       string    `json:"match"`
	Kind        FaultKind `json:"kind"`
	Times       int       `json:"times"`
	Probability float64   `json:"probability"`
	Delay       string    `json:"delay"`
}

func (s *Sandbox) wireFaults() object {
	wire := []wireFault{}
	for _, f := range s.Faults() {
		wire = append(wire, wireFault{f.Match, f.Kind, f.Times, f.Probability, f.Delay.String()})
	}
	return object{"faults": wire}
}

func (s *Sandbox) postFault(r *http.Request) (any, error) {
	var wire wireFault
	if err := readControl(r, &wire); err != nil {
		return nil, err
	}
	f := Fault{Match: wire.Match, Kind: wire.Kind, Times: wire.Times, Probability: wire.Probability}
	if wire.Delay != "" {
		delay, err := time.ParseDuration(wire.Delay)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBadRequest, err)
		}
		f.Delay = delay
	}
	if err := s.AddFault(f); err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return s.wireFaults(), nil
}
