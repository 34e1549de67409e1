package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/oasdiff/yaml"
)

// documents are the files that the server publishes, with their ETags.
type documents []document

type document struct {
	path, contentType, cacheControl string
	body                            []byte
	etag                            string
}

// newDocuments makes the spec, as written and as JSON, and the key set.
func newDocuments(openapi, jwks []byte) (documents, error) {
	asJSON, err := yaml.YAMLToJSON(openapi)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	docs := documents{
		{path: "/openapi.yaml", contentType: "application/yaml", cacheControl: "no-cache", body: openapi},
		{path: "/openapi.json", contentType: jsonType, cacheControl: "no-cache", body: asJSON},
		// Verifiers may keep the keys for five minutes: a new key is to be
		// published for at least as long before it signs.
		{path: "/.well-known/jwks.json", contentType: "application/jwk-set+json", cacheControl: "public, max-age=300", body: jwks},
	}
	for i := range docs {
		sum := sha256.Sum256(docs[i].body)
		docs[i].etag = `"` + hex.EncodeToString(sum[:16]) + `"`
	}
	return docs, nil
}

func (docs documents) register(e *echo.Echo) {
	for _, d := range docs {
		e.GET(d.path, d.serve)
		e.HEAD(d.path, d.serve)
	}
}

func (d document) serve(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Cache-Control", d.cacheControl)
	h.Set("ETag", d.etag)
	h.Set("Content-Type", d.contentType)
	http.ServeContent(c.Response(), c.Request(), d.path, time.Time{}, bytes.NewReader(d.body))
	return nil
}
