package server

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/oasdiff/yaml"
)

// documents are the files that the server publishes.
type documents []document

// document is one file, with its ETag.
type document struct {
	path, contentType, cacheControl string
	body                            []byte
	etag                            string
	// policy is its Content-Security-Policy; empty means that of an answer.
	policy string
	// unpacked returns the document without compression; nil means that body is not
	// compressed.
	unpacked func() (document, error)
}

func newDocument(path, contentType, cacheControl string, body []byte) document {
	return document{path: path, contentType: contentType, cacheControl: cacheControl, body: body, etag: `"` + hash(body) + `"`}
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// newDocuments returns the spec, as written and as JSON, and the key set.
func newDocuments(openapi, jwks []byte) (documents, error) {
	asJSON, err := yaml.YAMLToJSON(openapi)
	if err != nil {
		return nil, fmt.Errorf("write the OpenAPI document as JSON: %w", err)
	}
	return documents{
		newDocument("/openapi.yaml", "application/yaml", "no-cache", openapi),
		newDocument("/openapi.json", jsonType, "no-cache", asJSON),
		// Verifiers may keep the keys for five minutes: a new key must be published
		// for at least as long before it signs.
		newDocument("/.well-known/jwks.json", "application/jwk-set+json", "public, max-age=300", jwks),
	}, nil
}

func (docs documents) register(router headRouter) {
	for _, d := range docs {
		router.GET(d.path, d.serve)
	}
}

func (d document) serve(c echo.Context) error {
	h := c.Response().Header()
	r := c.Request()
	if d.unpacked != nil {
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
		if acceptsGzip(r.Header) {
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
	simplify(r.Header)
	http.ServeContent(c.Response(), r, d.path, time.Time{}, bytes.NewReader(d.body))
	return nil
}

// simplify rewrites headers for net/http. It reads If-None-Match from one line only,
// where a list may take several. Of several ranges it would make a part each, a
// thousand of them from one header; a server may ignore ranges (RFC 9110, section
// 14.2).
func simplify(h http.Header) {
	if lines := h.Values("If-None-Match"); len(lines) > 1 {
		h.Set("If-None-Match", strings.Join(lines, ", "))
	}
	if ranges := h.Values("Range"); len(ranges) > 1 || len(ranges) == 1 && strings.Contains(ranges[0], ",") {
		h.Del("Range")
	}
}
