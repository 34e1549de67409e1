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
	// policy is its Content-Security-Policy; empty means that of an answer.
	policy string
	// unpacked is the same without compression; nil means that body is not compressed.
	unpacked func() (document, error)
}

func newDocument(path, contentType, cacheControl string, body []byte) document {
	return document{path: path, contentType: contentType, cacheControl: cacheControl, body: body, etag: `"` + hash(body) + `"`}
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// newDocuments makes the spec, as written and as JSON, and the key set.
func newDocuments(openapi, jwks []byte) (documents, error) {
	asJSON, err := yaml.YAMLToJSON(openapi)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	return documents{
		newDocument("/openapi.yaml", "application/yaml", "no-cache", openapi),
		newDocument("/openapi.json", jsonType, "no-cache", asJSON),
		// Verifiers may keep the keys for five minutes: a new key is to be
		// published for at least as long before it signs.
		newDocument("/.well-known/jwks.json", "application/jwk-set+json", "public, max-age=300", jwks),
	}, nil
}

func (docs documents) register(e *echo.Echo) {
	for _, d := range docs {
		e.GET(d.path, d.serve)
		e.HEAD(d.path, d.serve)
	}
}

func (d document) serve(c echo.Context) error {
	h := c.Response().Header()
	if d.unpacked != nil {
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
		if acceptsGzip(c.Request().Header) {
			h.Set(echo.HeaderContentEncoding, "gzip")
		} else {
			var err error
			if d, err = d.unpacked(); err != nil {
				return err
			}
		}
	}
	if d.policy != "" {
		h.Set(echo.HeaderContentSecurityPolicy, d.policy)
	}
	h.Set("Cache-Control", d.cacheControl)
	h.Set("ETag", d.etag)
	h.Set("Content-Type", d.contentType)
	http.ServeContent(c.Response(), c.Request(), d.path, time.Time{}, bytes.NewReader(d.body))
	return nil
}
