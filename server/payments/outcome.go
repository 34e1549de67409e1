package payments

import (
	"context"
	"errors"
	"fmt"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/stripeclient"
)

// asStripe returns Stripe's error in err, or nil.
func asStripe(err error) *stripeclient.Error {
	var e *stripeclient.Error
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// is reports whether err is an error of Stripe of this kind.
func is(err error, k stripeclient.Kind) bool {
	e := asStripe(err)
	return e != nil && e.Kind == k
}

// replayed reports whether err is Stripe's saved answer to an earlier call: the
// next attempt needs another key.
func replayed(err error) bool {
	e := asStripe(err)
	return e != nil && e.Replayed
}

// missing reports whether Stripe does not have the object that the parameter
// names.
func missing(err error, param string) bool {
	e := asStripe(err)
	return e != nil && e.Kind == stripeclient.KindNotFound && e.Param == param
}

// passing reports whether the failure is one of the moment, of the database, the
// key or the whole account, and not of the one payment, customer or event that
// the call was about.
func passing(err error) bool {
	if e := asStripe(err); e != nil {
		switch e.Kind {
		case stripeclient.KindUnknown, stripeclient.KindOverloaded, stripeclient.KindBusy,
			stripeclient.KindRefused, stripeclient.KindAccount:
			return true
		}
		return false
	}
	for _, known := range []error{store.ErrUnavailable, store.ErrStale, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// exhausted is the error of a request all of whose attempts came to nothing. last
// is Stripe's answer to the last one, nil if that was no error. A new refusal is
// for an operator; after an old one, the same request may be sent again.
func exhausted(last error) error {
	old := asStripe(last) == nil || replayed(last) || is(last, stripeclient.KindKeyReused)
	if old && !is(last, stripeclient.KindUnknown) {
		last = store.ErrStale
	}
	return fmt.Errorf("failed after %d attempts: %w", maxAttempts, last)
}

// wrap adds the operation to an error and leaves nil alone.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}
