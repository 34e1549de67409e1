package server

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

//go:embed problems.html
var problemsHTML string

// problemsPath is where the pages are that explain each kind of problem. The type of
// a problem ends in the same path.
const problemsPath = "/problems"

const htmlType = "text/html; charset=utf-8"

// problemPage is what the template shows: a kind of problem, or the list of all.
type problemPage struct {
	Title, Code string
	Status      int32
	// Cases are the rows of the table with this code.
	Cases []problemCase
	All   []problemPage
}

type problemCase struct{ When, Detail string }

// newProblemPages makes the pages from the table that the answers are made from.
func newProblemPages() (documents, error) {
	page, err := template.New("problems").Parse(problemsHTML)
	if err != nil {
		return nil, fmt.Errorf("read the page of problems: %w", err)
	}
	kinds := map[string]problemPage{}
	for _, row := range append(slices.Clone(problems), internal) {
		k := kinds[row.code]
		k.Title, k.Code, k.Status = row.title, row.code, row.status
		k.Cases = append(k.Cases, problemCase{row.when, row.detail})
		kinds[row.code] = k
	}
	list := problemPage{Title: "Problems"}
	for _, code := range slices.Sorted(maps.Keys(kinds)) {
		list.All = append(list.All, kinds[code])
	}
	var pages documents
	for _, p := range append(list.All, list) {
		var text bytes.Buffer
		if err := page.Execute(&text, p); err != nil {
			return nil, fmt.Errorf("write the page of the problem %s: %w", p.Code, err)
		}
		path := strings.TrimSuffix(problemsPath+"/"+p.Code, "/")
		d := newDocument(path, htmlType, "no-cache", text.Bytes())
		d.policy = pagePolicy
		pages = append(pages, d)
	}
	return pages, nil
}

// pagePolicy lets a page have styles of its own, and nothing else.
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// redirectBrowsers leads who looks for a page at the root to /docs. The link is
// relative, so it stays below the path where a gateway serves the API. To a client
// that does not ask for HTML there is nothing at the root.
func redirectBrowsers(c echo.Context) error {
	h := c.Response().Header()
	h.Add(echo.HeaderVary, "Accept")
	accept := c.Request().Header
	if accept.Get("Accept") == "" || quality(accept, "Accept", "text/html") == 0 {
		return echo.ErrNotFound
	}
	h.Set(echo.HeaderLocation, "docs")
	return c.NoContent(http.StatusFound)
}
