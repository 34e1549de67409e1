// Command gateway makes from openapi.yaml the document that an API gateway takes.
// What the gateway must have beside the contract is in its overlay (OpenAPI Overlay
// 1.0), NAME.overlay.yaml in this folder, and never in openapi.yaml itself. Overlays of
// the operator's own, with addresses for example, are laid over that in turn.
//
//	go run ./deploy/gateway NAME [OVERLAY…]
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/nestpayments/nestpayments/gen"
)

// finishers turn the document with its overlays into what the gateway reads. A
// gateway without one reads the document.
var finishers = map[string]func(document []byte) ([]byte, error){
	"google": swagger,
	"envoy":  envoy,
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gateway:", err)
		os.Exit(1)
	}
}

// run prints the file of the gateway that the first argument names.
func run(args []string, stdout io.Writer) error {
	known, err := names()
	if err != nil {
		return err
	}
	if len(args) == 0 || !slices.Contains(known, args[0]) {
		return errors.New("usage: gateway NAME [OVERLAY…], where NAME is one of " + strings.Join(known, ", "))
	}
	file, err := build(gen.OpenAPI, args[0], args[1:]...)
	if err != nil {
		return err
	}
	_, err = stdout.Write(file)
	return err
}

// build makes the file of the gateway from the contract, its overlay and the
// operator's.
func build(contract []byte, name string, own ...string) ([]byte, error) {
	document, err := overlaid(contract, name, own...)
	if err != nil {
		return nil, err
	}
	if finish := finishers[name]; finish != nil {
		return finish(document)
	}
	return document, nil
}
