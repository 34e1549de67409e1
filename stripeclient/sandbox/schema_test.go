package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stripe/stripe-mock/embedded"
)

// stripeSchemas are the schemas of Stripe's OpenAPI document at 2023-10-16,
// made stricter: a property that Stripe does not document is an error.
var stripeSchemas = sync.OnceValue(func() openapi3.Schemas {
	var document map[string]any
	if err := json.Unmarshal(embedded.OpenAPISpec, &document); err != nil {
		panic(err)
	}
	closeObjects(document["components"])
	document["paths"] = map[string]any{}
	strict, err := json.Marshal(document)
	if err != nil {
		panic(err)
	}
	loaded, err := openapi3.NewLoader().LoadFromData(strict)
	if err != nil {
		panic(err)
	}
	return loaded.Components.Schemas
})

// closeObjects forbids additional properties wherever properties are listed.
func closeObjects(node any) {
	switch node := node.(type) {
	case map[string]any:
		_, open := node["additionalProperties"]
		if _, lists := node["properties"].(map[string]any); lists && node["type"] == "object" && !open {
			node["additionalProperties"] = false
		}
		for _, child := range node {
			closeObjects(child)
		}
	case []any:
		for _, child := range node {
			closeObjects(child)
		}
	}
}

// fixtureKeys are the properties of Stripe's own example of each type.
var fixtureKeys = sync.OnceValue(func() map[string]map[string]any {
	var fixtures struct {
		Resources map[string]map[string]any `json:"resources"`
	}
	if err := json.Unmarshal(embedded.OpenAPIFixtures, &fixtures); err != nil {
		panic(err)
	}
	return fixtures.Resources
})

// checkBody validates a body that was answered under /v1/.
func checkBody(status int, body []byte) error {
	var value map[string]any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("body is not a JSON object: %w", err)
	}
	if status >= 300 {
		return visit("error", value)
	}
	return checkObject(value)
}

// checkObject validates an object by the schema of its type, and what is in it.
func checkObject(value map[string]any) error {
	kind, _ := value["object"].(string)
	switch {
	case kind == "list":
		return checkList(value)
	case value["deleted"] == true:
		kind = "deleted_customer"
	case kind == "event":
		data, _ := value["data"].(map[string]any)
		snapshot, _ := data["object"].(map[string]any)
		if err := checkObject(snapshot); err != nil {
			return fmt.Errorf("snapshot: %w", err)
		}
	}
	if err := visit(kind, value); err != nil {
		return err
	}
	for key := range fixtureKeys()[kind] {
		// refunds is there only when it is expanded.
		if _, has := value[key]; !has && key != "refunds" {
			return fmt.Errorf("%s lacks %q, which Stripe's example has", kind, key)
		}
	}
	return nil
}

func checkList(value map[string]any) error {
	keys := []string{"object", "url", "has_more", "data"}
	for key := range value {
		if !slices.Contains(keys, key) {
			return fmt.Errorf("list has %q", key)
		}
	}
	data, isList := value["data"].([]any)
	_, isBool := value["has_more"].(bool)
	if url, isText := value["url"].(string); !isList || !isBool || !isText || url == "" {
		return fmt.Errorf("list is malformed: %v", value)
	}
	for _, row := range data {
		if err := checkObject(row.(map[string]any)); err != nil {
			return fmt.Errorf("in list: %w", err)
		}
	}
	return nil
}

func visit(kind string, value any) error {
	schema, ok := stripeSchemas()[kind]
	if !ok {
		return fmt.Errorf("no schema for %q", kind)
	}
	if err := schema.Value.VisitJSON(value, openapi3.MultiErrors()); err != nil {
		return fmt.Errorf("%s: %w", kind, err)
	}
	return nil
}

// recorder keeps a copy of what a handler answers.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.body.Write(p)
	return r.ResponseWriter.Write(p)
}

// Unwrap lets the handler cut the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
