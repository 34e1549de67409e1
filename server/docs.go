package server

import (
	"bytes"
	"compress/gzip"
	_ "embed"
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
	start, scalar := newScript("start", docsStart), newScript("scalar", docsScalar)
	scalar.unpacked = sync.OnceValues(scalar.unpack)
	page := newDocument("/docs", "text/html; charset=utf-8", "no-cache", []byte(strings.NewReplacer(
		"{{start.js}}", strings.TrimPrefix(start.path, "/"),
		"{{scalar.js}}", strings.TrimPrefix(scalar.path, "/"),
	).Replace(docsPage)))
	page.policy = docsPolicy
	documents{page, start, scalar}.register(e)
}

// newScript is a script of the docs page, to be kept for as long as a browser
// likes.
func newScript(name string, body []byte) document {
	path := "/docs/" + name + "." + hash(body) + ".js"
	return newDocument(path, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", body)
}

// unpack is the document, whose body is compressed with gzip, without that.
func (d document) unpack() (document, error) {
	r, err := gzip.NewReader(bytes.NewReader(d.body))
	if err != nil {
		return document{}, fmt.Errorf("unpack %s: %w", d.path, err)
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return document{}, fmt.Errorf("unpack %s: %w", d.path, err)
	}
	return newDocument(d.path, d.contentType, d.cacheControl, body), nil
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
