package chaos_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// stripe is the account as its owner, its customers and their banks see it: the
// sandbox's control API, and Stripe's own once the faults are off.
type stripe struct{ url string }

// fault is one of the sandbox's, on the wire.
type fault struct {
	Match       string  `json:"match"`
	Kind        string  `json:"kind"`
	Probability float64 `json:"probability"`
	Delay       string  `json:"delay"`
}

// charge is an entry of the journal.
type charge struct {
	ID            string            `json:"id"`
	Intent        string            `json:"payment_intent"`
	Customer      string            `json:"customer"`
	PaymentMethod string            `json:"payment_method"`
	Amount        int64             `json:"amount"`
	Currency      string            `json:"currency"`
	Status        string            `json:"status"`
	FailureCode   string            `json:"failure_code"`
	DeclineCode   string            `json:"decline_code"`
	Metadata      map[string]string `json:"metadata"`
	Key           string            `json:"idempotency_key"`
}

// reason is what a client is told of a decline.
func (c charge) reason() string {
	if c.DeclineCode != "" {
		return c.DeclineCode
	}
	return c.FailureCode
}

// intent is a payment intent.
type intent struct {
	ID             string            `json:"id"`
	Amount         int64             `json:"amount"`
	AmountReceived int64             `json:"amount_received"`
	Currency       string            `json:"currency"`
	Status         string            `json:"status"`
	Customer       string            `json:"customer"`
	PaymentMethod  string            `json:"payment_method"`
	Metadata       map[string]string `json:"metadata"`
}

// customer is a customer.
type customer struct {
	ID    string `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (s *stripe) arm(ctx context.Context, faults []fault) error {
	for _, f := range faults {
		if err := s.call(ctx, "POST", "/_sandbox/faults", f, nil); err != nil {
			return err
		}
	}
	return nil
}

func (s *stripe) disarm(ctx context.Context) error {
	return s.call(ctx, "DELETE", "/_sandbox/faults", nil, nil)
}

// challenge is the customer who passes or fails 3-D Secure.
func (s *stripe) challenge(ctx context.Context, intentID string, pass bool) error {
	return s.outcome(ctx, intentID, "challenge", map[bool]string{true: "pass", false: "fail"}[pass], "requires_action")
}

// settle is the bank that carries a debit out or returns it.
func (s *stripe) settle(ctx context.Context, intentID string, succeed bool) error {
	return s.outcome(ctx, intentID, "settle", map[bool]string{true: "succeed", false: "fail"}[succeed], "processing")
}

// outcome is sent again while the sandbox does not answer or is busy with the
// intent. An intent that no longer waits has had its outcome: the answer was
// lost.
func (s *stripe) outcome(ctx context.Context, intentID, what, outcome, waits string) error {
	path := "/_sandbox/payment_intents/" + intentID + "/" + what
	var err error
	lost := false
	for range 100 {
		if err = s.call(ctx, "POST", path, map[string]string{"outcome": outcome}, nil); err == nil || ctx.Err() != nil {
			return err
		}
		lost = lost || !errors.As(err, new(*refusedError))
		now, readErr := s.intent(ctx, intentID)
		switch {
		case readErr == nil && now.Status != waits && lost:
			return nil
		case readErr == nil && now.Status != waits:
			return fmt.Errorf("the intent is %s: %w", now.Status, err)
		}
		pause(ctx, 100*time.Millisecond)
	}
	return err
}

// refusedError is an answer that is not 200.
type refusedError struct {
	call, status string
	body         []byte
}

func (e *refusedError) Error() string { return fmt.Sprintf("%s: %s: %s", e.call, e.status, e.body) }

func (s *stripe) charges(ctx context.Context) ([]charge, error) {
	var journal struct{ Charges []charge }
	err := s.call(ctx, "GET", "/_sandbox/journal", nil, &journal)
	return journal.Charges, err
}

func (s *stripe) intent(ctx context.Context, id string) (in intent, err error) {
	err = s.call(ctx, "GET", "/v1/payment_intents/"+id, nil, &in)
	return in, err
}

// intents returns all of them.
func (s *stripe) intents(ctx context.Context) (all []intent, err error) {
	path := "/v1/payment_intents?limit=100"
	for {
		var page struct {
			Data    []intent `json:"data"`
			HasMore bool     `json:"has_more"`
		}
		if err := s.call(ctx, "GET", path, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Data...)
		if !page.HasMore {
			return all, nil
		}
		path = "/v1/payment_intents?limit=100&starting_after=" + all[len(all)-1].ID
	}
}

func (s *stripe) customer(ctx context.Context, id string) (c customer, err error) {
	err = s.call(ctx, "GET", "/v1/customers/"+id, nil, &c)
	return c, err
}

func (s *stripe) call(ctx context.Context, method, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	if body == nil {
		r.Body, r.ContentLength = http.NoBody, 0
	}
	r.Header.Set("Authorization", "Bearer "+stripeKey)
	r.Close = true
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return &refusedError{method + " " + path, res.Status, answer}
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(answer, into)
}
