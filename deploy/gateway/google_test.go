package main

import (
	"encoding/json"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
)

func TestGoogle(t *testing.T) {
	t.Parallel()
	file, _ := made(t, "google")
	var doc openapi2.T
	if err := json.Unmarshal(file, &doc); err != nil {
		t.Fatal(err)
	}
	for _, o := range operations(t) {
		item := doc.Paths[o.path]
		if item == nil || item.GetOperation(o.method) == nil {
			t.Errorf("%s %s is gone", o.method, o.path)
			continue
		}
		got := item.GetOperation(o.method)
		if got.OperationID != o.id {
			t.Errorf("%s %s is %s, want %s", o.method, o.path, got.OperationID, o.id)
		}
		if secured := got.Security == nil || len(*got.Security) > 0; secured != o.secured {
			t.Errorf("%s: needs a token is %t, want %t", o.id, secured, o.secured)
		}
	}
	if len(doc.Security) != 1 || doc.Security[0]["bearer"] == nil {
		t.Errorf("the document asks for %v, want bearer", doc.Security)
	}
	bearer := doc.SecurityDefinitions["bearer"]
	if bearer == nil || bearer.Type != "oauth2" {
		t.Fatalf("bearer is %+v, want oauth2, the type that carries JWTs", bearer)
	}
	for name, want := range map[string]any{
		"x-google-issuer":    "nest-payments",
		"x-google-audiences": "nest-payments",
		"x-google-jwks_uri":  "https://nestpayments.example.com/.well-known/jwks.json",
	} {
		if got := bearer.Extensions[name]; got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	backend, _ := doc.Extensions["x-google-backend"].(map[string]any)
	if backend["disable_auth"] != true || backend["path_translation"] != "APPEND_PATH_TO_ADDRESS" {
		t.Errorf("the backend is %v, want paths and the user's token to reach it", backend)
	}
}

// A validator that is not of the converter's making takes the document.
func TestGoogleDocumentIsOpenAPI2(t *testing.T) {
	t.Parallel()
	_, path := made(t, "google")
	tool(t, "venv/bin/openapi-spec-validator", "--schema", "2.0", path)
}
