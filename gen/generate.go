// Package gen is generated from openapi.yaml: the models, the strict server
// interface and the embedded spec. Only this file, which says how, is written
// by hand. gen/client is the Go client.
package gen

import _ "embed"

//go:generate go tool oapi-codegen -config server.yaml ../openapi.yaml
//go:generate go tool oapi-codegen -config client.yaml ../openapi.yaml
//go:generate cp ../openapi.yaml openapi.yaml

// OpenAPI is openapi.yaml, byte for byte.
//
//go:embed openapi.yaml
var OpenAPI []byte
