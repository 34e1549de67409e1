package server

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
)

// The page at /docs is made by Scalar's API reference, one large script that is
// stored compressed.
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

// docsPolicy lets the page run this server's scripts and talk to this server, and
// nothing more: no other machine, no eval, no script in the page. Styles in the
// page are allowed, because Scalar writes its own there, as elements and as
// attributes. Images are its icons, which are part of the script.
const docsPolicy = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs routes the page that shows the spec and tries it out. Its scripts
// have their hash in their paths, so they are never stale; its links to them are
// relative, for gateways that serve the API below a path.
func registerDocs(router headRouter) {
	start, scalar := newScript("start", compress(docsStart)), newScript("scalar", docsScalar)
	page := newDocument("/docs", htmlType, "no-cache", []byte(strings.NewReplacer(
		"{{start.js}}", strings.TrimPrefix(start.path, "/"),
		"{{scalar.js}}", strings.TrimPrefix(scalar.path, "/"),
	).Replace(docsPage)))
	page.policy = docsPolicy
	documents{page, start, scalar}.register(router)
}

// newScript returns a script of the docs page, which is compressed with gzip and may
// be kept for as long as a browser likes.
func newScript(name string, packed []byte) document {
	path := "/docs/" + name + "." + hash(packed) + ".js"
	script := newDocument(path, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable", packed)
	script.unpacked = sync.OnceValues(script.unpack)
	return script
}

// compress compresses a text with gzip, as well as it can be.
func compress(text []byte) []byte {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil { // the level is valid
		panic(err)
	}
	_, _ = w.Write(text) // a buffer takes everything
	_ = w.Close()
	return packed.Bytes()
}

// unpack returns the document without its compression.
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

// acceptsGzip reports whether a request may be answered with gzip (RFC 9110,
// section 12.5.3): without an Accept-Encoding header any coding is welcome.
func acceptsGzip(h http.Header) bool {
	lines := h.Values(echo.HeaderAcceptEncoding)
	if len(lines) == 0 {
		return true
	}
	named, others := -1.0, 0.0
	for element := range list(lines) {
		switch coding, q := weighted(element); coding {
		case "gzip", "x-gzip":
			named = max(named, q)
		case "*":
			others = q
		}
	}
	return named > 0 || named < 0 && others > 0
}
