package sdk_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

// checkOutcome tells what a journey has not done that it should have: the
// payment of its cuid was declined once and charged once, and its user is gone.
func checkOutcome(ctx context.Context, dev *nestdevtest.System, who shopper) error {
	var journal struct {
		Charges []struct {
			Status   string
			Metadata struct{ CUID string }
		}
	}
	if err := nestdevtest.Call(ctx, "GET", dev.Sandbox+"/_sandbox/journal", "", "", http.StatusOK, &journal); err != nil {
		return err
	}
	charges := map[string]int{}
	for _, c := range journal.Charges {
		if c.Metadata.CUID == who.cuid {
			charges[c.Status]++
		}
	}
	if len(charges) != 2 || charges["succeeded"] != 1 || charges["failed"] != 1 {
		return fmt.Errorf("the payment has charges %v, want one that succeeded and one that failed", charges)
	}
	login, err := json.Marshal(map[string]string{"email": who.email, "password": who.password})
	if err != nil {
		return err
	}
	return nestdevtest.Call(ctx, "POST", dev.URL+"/user/login", "", string(login), http.StatusUnauthorized, new(any))
}
