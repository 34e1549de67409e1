package main

import (
	"context"
	"fmt"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/server/telemetry"
)

// keyCommand makes a signing key.
type keyCommand struct {
	File string `arg:"" help:"The PEM file to make. One that is there is never overwritten."`
}

// Run makes the file, readable by its owner alone.
func (c keyCommand) Run(_ context.Context, _ *environment, out output) error {
	if err := auth.GenerateKey(c.File); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "made %s: name it in SIGNING_KEYS\n", telemetry.Redact(c.File))
	return err
}
