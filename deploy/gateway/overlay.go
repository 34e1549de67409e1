package main

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/speakeasy-api/openapi/overlay"
	"gopkg.in/yaml.v3"
)

const suffix = ".overlay.yaml"

//go:embed *.overlay.yaml
var overlays embed.FS

// names lists the gateways that have an overlay.
func names() ([]string, error) {
	files, err := fs.Glob(overlays, "*"+suffix)
	for i, file := range files {
		files[i] = strings.TrimSuffix(file, suffix)
	}
	return files, err
}

// overlaid lays the overlay of the gateway and then the operator's own over the
// contract, each in strict mode: an action that matches nothing is an error, because
// the contract has moved on and the overlay has not.
func overlaid(contract []byte, name string, own ...string) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(contract, &document); err != nil {
		return nil, fmt.Errorf("read the contract: %w", err)
	}
	ours, err := overlays.Open(name + suffix)
	if err != nil {
		return nil, err
	}
	defer ours.Close()
	if err := lay(&document, name+suffix, ours); err != nil {
		return nil, err
	}
	for _, path := range own {
		text, err := os.ReadFile(path) // #nosec G304 G703 -- the path is an argument of the operator
		if err != nil {
			return nil, err
		}
		if err := lay(&document, path, bytes.NewReader(text)); err != nil {
			return nil, err
		}
	}
	return yaml.Marshal(&document)
}

// lay applies one overlay.
func lay(document *yaml.Node, path string, text io.Reader) error {
	o, err := overlay.ParseReader(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := o.Validate(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	// Its warnings are of updates that leave everything as it is: an operator may
	// repeat a default.
	if _, err := o.ApplyToStrict(document); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
