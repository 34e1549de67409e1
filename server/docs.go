package server

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// The page at /docs is made by Scalar's API reference, one large script that is
// kept compressed.
//
//go:generate ./docs/fetch.sh
var (
	//go:embed docs/page.html
	docsPage string
	//go:embed docs/start.js
	docsStart []byte
	//go:embed docs/scalar.js.gz
	docsScalar []byte
)

// docsPolicy lets the page run this server's scripts, talk to this server, and
// nothing more: no other machine, no eval, no script in the page. Styles in the
// page are the one concession: Scalar writes its own there, as elements and as
// attributes. Images are its icons, which are part of the script.
const docsPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs routes the page that shows the spec and tries it out. Its scripts
// have their hash in their paths, so they are never stale; its links to them are
// relative, for gateways that serve the API below a path.
func registerDocs(e *echo.Echo) {
	start := newScript("start", docsStart)
	scalar := newScript("scalar", docsScalar)
	page := newDocument("/docs", "text/html; charset=utf-8", "no-cache", []byte(strings.NewReplacer(
		"{{start.js}}", strings.TrimPrefix(start.path, "/"),
		"{{scalar.js}}", strings.TrimPrefix(scalar.path, "/"),
	).Replace(docsPage)))
	for path, serve := range map[string]echo.HandlerFunc{
		page.path: func(c echo.Context) error {
			c.Response().Header().Set(echo.HeaderContentSecurityPolicy, docsPolicy)
			return page.serve(c)
		},
		start.path:  start.serve,
		scalar.path: serveCompressed(scalar),
	} {
		e.GET(path, serve)
		e.HEAD(path, serve)
	}
}

// newScript is a script of the docs page, to be kept for as long as a browser
// likes.
func newScript(name string, body []byte) document {
	path := "/docs/" + name + "." + hash(body) + ".js"
	return newDocument(path, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", body)
}

func newDocument(path, contentType, cacheControl string, body []byte) document {
	return document{path: path, contentType: contentType, cacheControl: cacheControl, body: body, etag: `"` + hash(body) + `"`}
}

func hash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:16])
}

// serveCompressed serves a document whose body is compressed with gzip, and
// unpacks it, once, for clients that do not take that.
func serveCompressed(packed document) echo.HandlerFunc {
	unpack := sync.OnceValues(func() (document, error) {
		r, err := gzip.NewReader(bytes.NewReader(packed.body))
		if err != nil {
			return document{}, fmt.Errorf("unpack %s: %w", packed.path, err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return document{}, fmt.Errorf("unpack %s: %w", packed.path, err)
		}
		return newDocument(packed.path, packed.contentType, packed.cacheControl, body), nil
	})
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Add(echo.HeaderVary, echo.HeaderAcceptEncoding)
		if acceptsGzip(c.Request().Header) {
			h.Set(echo.HeaderContentEncoding, "gzip")
			return packed.serve(c)
		}
		plain, err := unpack()
		if err != nil {
			return err
		}
		return plain.serve(c)
	}
}

// acceptsGzip tells whether the request's Accept-Encoding headers name gzip (RFC
// 9110, section 12.5.3).
func acceptsGzip(h http.Header) bool {
	for _, coding := range strings.Split(strings.Join(h.Values(echo.HeaderAcceptEncoding), ","), ",") {
		name, params, err := mime.ParseMediaType(coding)
		if err != nil || name != "gzip" {
			continue
		}
		q, err := strconv.ParseFloat(params["q"], 64)
		return err != nil || q > 0
	}
	return false
}
