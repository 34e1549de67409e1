package server_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// Browsers that open the root are led to the documentation; to other clients the
// root is nothing.
func TestRootLeadsBrowsersToTheDocs(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	for accept, status := range map[string]int{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": 302, "*/*": 302, "text/*": 302, "TEXT/HTML": 302,
		"application/json": 404, "text/html;q=0": 404, "image/png": 404, "": 404,
	} {
		for _, method := range []string{"GET", "HEAD"} {
			header := http.Header{"Accept": {accept}}
			if accept == "" {
				header = nil
			}
			got := a.send(request{method: method, path: "/", header: header}).want(t, status)
			if at := got.header.Get("Location"); status == 302 && at != "docs" || got.header.Get("Vary") != "Accept" {
				t.Errorf("%s for %q: Location %q, Vary %q", method, accept, at, got.header.Get("Vary"))
			}
		}
	}
}

// Every code of the spec has a page at the path of the problem's type, which says
// what an answer says.
func TestProblemPages(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	codes, _ := c.spec.Components.Schemas["Problem"].Value.Properties["code"].Value.Extensions["x-extensible-enum"].([]any)
	if len(codes) < 30 {
		t.Fatalf("the spec lists the codes %v", codes)
	}
	all := string(a.get("/problems", "").want(t, 200).body)
	links := regexp.MustCompile(`href="(problems/\w+)"`).FindAllStringSubmatch(all, -1)
	if len(links) != len(codes) {
		t.Errorf("the list has %d problems, the spec %d codes", len(links), len(codes))
	}
	for _, code := range codes {
		path := fmt.Sprint("/problems/", code)
		got := a.get(path, "").want(t, 200)
		text := string(got.body)
		for _, want := range []string{fmt.Sprint("<code>", code, "</code>"), "When it happens", "What to do"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not say %q:\n%s", path, want, text)
			}
		}
		if strings.Contains(text, "<dd></dd>") {
			t.Errorf("%s has an empty part", path)
		}
		if kind := got.header.Get("Content-Type"); kind != "text/html; charset=utf-8" {
			t.Errorf("%s: Content-Type is %q", path, kind)
		}
		if !strings.Contains(all, `href="`+path[1:]+`"`) {
			t.Errorf("%s is not in the list", path)
		}
	}
	for _, r := range []request{
		{method: "GET", path: "/nope"}, {method: "GET", path: "/user"}, {method: "GET", path: "/user", token: "garbage"}, {method: "PUT", path: "/user"},
		{method: "POST", path: "/user/login", body: "{"},
	} {
		p := a.send(r).object(t)
		at, err := url.Parse(p["type"].(string))
		if err != nil || at.Host != "nest-payments.dev" {
			t.Fatalf("type is %v", p["type"])
		}
		page := html.UnescapeString(string(a.get(at.Path, "").want(t, 200).body))
		for _, name := range []string{"title", "detail"} {
			if !strings.Contains(page, p[name].(string)) {
				t.Errorf("%s does not say %q", at, p[name])
			}
		}
	}
	a.get("/problems/no_such_code", "").problem(t, 404, "not_found")
	a.get("/problems/", "").problem(t, 404, "not_found")
}
