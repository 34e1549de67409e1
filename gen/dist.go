//go:build ignore

// Dist writes the files of a release:
//
//	openapi.yaml               the source, as it is
//	openapi.json               the same as JSON
//	openapi.dereferenced.json  without any $ref, for tools that cannot follow one
//	openapi.sdk.yaml           for SDK generators: without what clients never call
//	SHA256SUMS                 for sha256sum -c
//
// They depend on openapi.yaml and sdk.overlay.yaml alone, byte for byte, and keep
// the order of the source, for readers.
//
// Run it by its file name: it belongs to no program and no package.
package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"github.com/pb33f/go-yaml"
	"github.com/pb33f/libopenapi"
	yamljson "github.com/pb33f/libopenapi/json"
	"github.com/pb33f/libopenapi/overlay"
)

func main() {
	log.SetFlags(0)
	source := flag.String("spec", "openapi.yaml", "the OpenAPI document")
	sdk := flag.String("sdk", "gen/sdk.overlay.yaml", "the overlay that makes what SDKs are generated from")
	folder := flag.String("o", "dist", "the folder to write to")
	flag.Parse()
	if err := write(*source, *sdk, *folder); err != nil {
		log.Fatal(err)
	}
}

func write(source, sdk, folder string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	asJSON, err1 := toJSON(text, nil)
	dereferenced, err2 := toJSON(text, dereference)
	forSDKs, err3 := applied(text, sdk)
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	files := []struct {
		name string
		text []byte
	}{
		{"openapi.dereferenced.json", dereferenced}, {"openapi.json", asJSON}, {"openapi.sdk.yaml", forSDKs}, {"openapi.yaml", text},
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var sums bytes.Buffer
	for _, f := range files {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(f.text), f.name)
		if err := os.WriteFile(filepath.Join(folder, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(folder, "SHA256SUMS"), sums.Bytes(), 0o644)
}

// toJSON writes the document as JSON, after the change.
func toJSON(text []byte, change func(root *yaml.Node) error) ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	root := document.Content[0]
	if change != nil {
		if err := change(root); err != nil {
			return nil, err
		}
	}
	out, err := yamljson.YAMLNodeToJSON(root, "  ") // keeps the order of the keys
	return append(out, '\n'), err
}

// dereference puts what each $ref names in its place. Of the components, only the
// security schemes are left: those are referred to by name.
func dereference(root *yaml.Node) error {
	if err := resolve(root, root, 0); err != nil {
		return err
	}
	components := child(root, "components")
	if components == nil {
		return nil
	}
	for i := len(components.Content) - 2; i >= 0; i -= 2 {
		if components.Content[i].Value != "securitySchemes" {
			components.Content = append(components.Content[:i], components.Content[i+2:]...)
		}
	}
	return nil
}

// maxDepth is deeper than any document nests that does not contain itself.
const maxDepth = 200

func resolve(root, n *yaml.Node, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("line %d: a $ref leads back to itself", n.Line)
	}
	if ref := child(n, "$ref"); ref != nil {
		target := root
		for _, key := range strings.Split(strings.TrimPrefix(ref.Value, "#/"), "/") {
			// RFC 6901, section 4.
			if target = child(target, strings.NewReplacer("~1", "/", "~0", "~").Replace(key)); target == nil {
				return fmt.Errorf("line %d: there is no %s in this file", ref.Line, ref.Value)
			}
		}
		*n = *target
		return resolve(root, n, depth+1)
	}
	// What is changed below is this node's own.
	n.Content = append([]*yaml.Node(nil), n.Content...)
	for i, c := range n.Content {
		own := *c
		n.Content[i] = &own
		if err := resolve(root, &own, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// child is the value of a key, nil if there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// applied returns the document with the overlay applied. An action that has no
// effect is an error.
func applied(text []byte, path string) ([]byte, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	o, err := libopenapi.NewOverlayDocument(source)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	result, err := overlay.Apply(text, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, w := range result.Warnings {
		return nil, fmt.Errorf("%s: %s", path, w)
	}
	return result.Bytes, nil
}
