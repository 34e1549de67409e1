package main

import (
	"context"
	"fmt"

	"github.com/nestpayments/nestpayments/server/auth"
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
	_, err := fmt.Fprintf(out, "made %s: name it in SIGNING_KEYS\n", c.File)
	return err
}
