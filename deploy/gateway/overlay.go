package main

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi/overlay"
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

// overlaid applies the overlay of the gateway to the contract, and then the
// operator's own overlays.
func overlaid(contract []byte, name string, own ...string) ([]byte, error) {
	text, err := overlays.ReadFile(name + suffix)
	if err != nil {
		return nil, err
	}
	document, err := apply(contract, name+suffix, text)
	if err != nil {
		return nil, err
	}
	for _, path := range own {
		text, err := os.ReadFile(path) // #nosec G304 G703 -- the path is an argument of the operator
		if err != nil {
			return nil, err
		}
		if document, err = apply(document, path, text); err != nil {
			return nil, err
		}
	}
	return document, nil
}

// apply applies one overlay. An action that has no effect is an error: the contract
// has changed and the overlay has not.
func apply(document []byte, path string, text []byte) ([]byte, error) {
	o, err := libopenapi.NewOverlayDocument(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	result, err := overlay.Apply(document, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range result.Warnings {
		return nil, fmt.Errorf("%s: %s", path, w)
	}
	return result.Bytes, nil
}
