package main

import (
	"encoding/json"
	"fmt"

	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/getkin/kin-openapi/openapi3"
)

// swagger writes the document as OpenAPI 2.0, which Google's gateways read.
func swagger(document []byte) ([]byte, error) {
	v3, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	v2, err := openapi2conv.FromV3(v3)
	if err != nil {
		return nil, fmt.Errorf("write the document as OpenAPI 2.0: %w", err)
	}
	return json.MarshalIndent(v2, "", "  ")
}
