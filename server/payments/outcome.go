package payments

import (
	"errors"
	"fmt"

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

// is tells whether err is an error of Stripe of this kind.
func is(err error, k stripeclient.Kind) bool {
	e := asStripe(err)
	return e != nil && e.Kind == k
}

// replayed tells whether err is Stripe's saved answer to an earlier call: a new
// try needs a new key.
func replayed(err error) bool {
	e := asStripe(err)
	return e != nil && e.Replayed
}

// wrap adds the operation to an error and leaves nil alone.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", op, err)
}
