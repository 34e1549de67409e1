package sandbox

import (
	"errors"
	"fmt"
	"slices"
)

// Errors of the methods that play the customer and the bank.
var (
	// ErrNotFound: there is no object with that id.
	ErrNotFound = errors.New("not found")
	// ErrState: the intent is not waiting for that.
	ErrState = errors.New("wrong state")
	// ErrBusy: a call on the intent is under way.
	ErrBusy = errors.New("busy")
	// ErrNoWebhook: the sandbox has no webhook URL.
	ErrNoWebhook = errors.New("no webhook URL")
)

// failedAuthentication is the last error after a challenge that was failed. No
// charge was tried.
func failedAuthentication(method string) *Failure {
	return &Failure{Type: typeInvalid, Code: "payment_intent_authentication_failure", PaymentMethod: method,
		Message: "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new PaymentMethod to attempt to fulfill this PaymentIntent again."}
}

// Challenge is the customer who passes or fails the authentication of an
// intent in requires_action. A card that declines after a passed challenge
// declines now, which the intent tells. ErrNotFound, ErrState, ErrBusy.
func (s *Sandbox) Challenge(intentID string, pass bool) error {
	err := s.later(intentID, needsAction, func(by cause, in Intent) {
		method, _ := s.state.methods.get(in.PaymentMethod)
		in.ChallengeURL = ""
		if pass {
			s.charge(by, in, method, true)
			return
		}
		in.Status, in.PaymentMethod, in.LastError = needsMethod, "", failedAuthentication(method.ID)
		s.state.intents.put(in.ID, in)
		s.emit(by, "payment_intent.payment_failed", s.state.renderIntent(in), nil)
	})
	if err != nil {
		return fmt.Errorf("sandbox: challenge: %w", err)
	}
	return nil
}

// Settle is the bank that carries out or returns the debit of an intent in
// processing. ErrNotFound, ErrState, ErrBusy.
func (s *Sandbox) Settle(intentID string, succeed bool) error {
	err := s.later(intentID, processing, func(by cause, in Intent) {
		ch, _ := s.state.charges.get(in.LatestCharge)
		if succeed {
			s.collect(by, in, ch)
			return
		}
		d := declinedDebit
		ch.Captured, ch.AmountCaptured = false, 0
		ch.Status, ch.FailureCode, ch.FailureMessage = "failed", d.code, d.message
		s.failPayment(by, in, ch, d.failed(ch.ID, ch.PaymentMethod))
	})
	if err != nil {
		return fmt.Errorf("sandbox: settle: %w", err)
	}
	return nil
}

// later changes an intent that waits in the given status.
func (s *Sandbox) later(intentID, status string, change func(cause, Intent)) error {
	release, ok := s.locks.acquire(intentID, s.lockWait)
	if !ok {
		return ErrBusy
	}
	defer release()
	s.mu.Lock()
	defer s.mu.Unlock()
	in, ok := s.state.intents.get(intentID)
	if !ok {
		return ErrNotFound
	}
	if in.Status != status {
		return fmt.Errorf("%w: the intent is %s, not %s", ErrState, in.Status, status)
	}
	change(cause{at: s.now()}, in)
	return s.commit()
}

// commit ends the transaction under way and hands its webhooks over.
func (s *Sandbox) commit() error {
	owed := slices.Clone(s.state.deliveries.order)
	if err := s.state.commit(); err != nil {
		return err
	}
	if s.outbox != nil {
		s.outbox.push(owed...)
	}
	s.feed.notify()
	return nil
}

// SendEvent sends a webhook again, as the button in Stripe's dashboard does.
// ErrNotFound, ErrNoWebhook.
func (s *Sandbox) SendEvent(eventID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outbox == nil {
		return fmt.Errorf("sandbox: send event: %w", ErrNoWebhook)
	}
	if _, ok := s.state.events.get(eventID); !ok {
		return fmt.Errorf("sandbox: send event: %w", ErrNotFound)
	}
	s.state.deliveries.put(eventID, delivery{Event: eventID})
	if err := s.commit(); err != nil {
		return fmt.Errorf("sandbox: send event: %w", err)
	}
	return nil
}
