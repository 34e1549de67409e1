package sandbox

import "maps"

// newCharge journals an attempt to move the intent's money. Unless the method
// is attached, this is the only attempt that it is good for.
func (s *Sandbox) newCharge(by cause, in Intent, method PaymentMethod) Charge {
	if method.Customer == "" {
		method.Spent = true
		s.state.methods.put(method.ID, method)
	}
	return Charge{ID: newID("ch_"), Intent: in.ID, Customer: in.Customer, PaymentMethod: method.ID, Amount: in.Amount,
		Currency: in.Currency, Description: in.Description, Metadata: maps.Clone(in.Metadata), Created: by.at,
		RequestID: by.requestID, IdempotencyKey: by.key}
}

// charge moves the money, or holds it, or starts a debit, or is declined.
// in.PaymentMethod is method. The result is stored; a decline is in LastError.
func (s *Sandbox) charge(by cause, in Intent, method PaymentMethod, authenticated bool) Intent {
	test := method.test()
	if test.decline != nil {
		return s.declineCharge(by, in, method, *test.decline)
	}
	method.Checked = true
	ch := s.newCharge(by, in, method)
	ch.Authenticated = authenticated
	in.LatestCharge = ch.ID
	s.keepForLater(by, in, method, authenticated)
	if test.debit {
		// A debit counts as captured from the start, and as paid once it is settled.
		ch.Captured, ch.AmountCaptured = true, ch.Amount
		ch.Status, in.Status = "pending", processing
		s.store(in, ch)
		s.emit(by, "payment_intent.processing", s.state.renderIntent(in), nil)
		s.emit(by, "charge.pending", s.state.renderCharge(ch), nil)
		return in
	}
	ch.Status = "succeeded"
	if in.CaptureMethod == "manual" {
		in.Status, in.AmountCapturable = needsCapture, in.Amount
		s.store(in, ch)
		s.emit(by, "charge.succeeded", s.state.renderCharge(ch), nil)
		s.emit(by, "payment_intent.amount_capturable_updated", s.state.renderIntent(in), nil)
		return in
	}
	in = s.collect(by, in, ch)
	if test.disputed {
		ch, _ = s.state.charges.get(ch.ID)
		ch.Disputed = true
		s.state.charges.put(ch.ID, ch)
		s.emit(by, "charge.dispute.created", ch.dispute(by.at, test.brand), nil)
	}
	return in
}

// collect ends a charge and its intent well. charge.succeeded comes before
// payment_intent.succeeded.
func (s *Sandbox) collect(by cause, in Intent, ch Charge) Intent {
	ch.Status, ch.Captured, ch.AmountCaptured = "succeeded", true, ch.Amount
	in.Status, in.AmountReceived = succeeded, ch.Amount
	s.store(in, ch)
	s.emit(by, "charge.succeeded", s.state.renderCharge(ch), nil)
	s.emit(by, "payment_intent.succeeded", s.state.renderIntent(in), nil)
	return in
}

// keepForLater attaches the method to the customer if the intent says so.
func (s *Sandbox) keepForLater(by cause, in Intent, method PaymentMethod, authenticated bool) {
	if in.SetupFutureUsage == "" || in.Customer == "" {
		return
	}
	attach := method.Customer == ""
	method.Customer, method.Spent = in.Customer, false
	method.SetUp = method.SetUp || authenticated && in.SetupFutureUsage == "off_session"
	s.state.methods.put(method.ID, method)
	if attach {
		s.emit(by, "payment_method.attached", method.render(), nil)
	}
}

// declineCharge journals a failed charge and sends the intent back to
// requires_payment_method, without its payment method.
func (s *Sandbox) declineCharge(by cause, in Intent, method PaymentMethod, d decline) Intent {
	ch := s.newCharge(by, in, method)
	ch.Status, ch.Blocked = "failed", method.test().blocked
	ch.FailureCode, ch.DeclineCode, ch.FailureMessage = d.code, d.declineCode, d.message
	in.LatestCharge = ch.ID
	return s.failPayment(by, in, ch, d.failed(ch.ID, method.ID))
}

// failPayment stores a failed charge and the failure of its intent.
func (s *Sandbox) failPayment(by cause, in Intent, ch Charge, f *Failure) Intent {
	in.Status, in.PaymentMethod, in.LastError = needsMethod, "", f
	s.store(in, ch)
	s.emit(by, "charge.failed", s.state.renderCharge(ch), nil)
	s.emit(by, "payment_intent.payment_failed", s.state.renderIntent(in), nil)
	return in
}

func (s *Sandbox) store(in Intent, ch Charge) {
	s.state.charges.put(ch.ID, ch)
	s.state.intents.put(in.ID, in)
}
