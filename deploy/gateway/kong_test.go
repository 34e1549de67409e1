package main

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/nestpayments/nestpayments/gen"
)

// deck is what is read of decK's format.
type deck struct {
	FormatVersion string `yaml:"_format_version"`
	Services      []struct {
		Name    string
		Host    string
		Port    int
		Retries int
		Plugins []kongPlugin
		Routes  []kongRoute
	}
	Consumers []struct {
		Username   string
		JWTSecrets []struct{ Algorithm, Key string } `yaml:"jwt_secrets"`
	}
}

type kongPlugin struct {
	Name   string
	Config map[string]any
}

type kongRoute struct {
	Name          string
	Methods       []string
	Paths         []string
	RegexPriority int   `yaml:"regex_priority"`
	StripPath     *bool `yaml:"strip_path"`
	Plugins       []kongPlugin
}

// kong converts the document with Kong's own tool, adds the consumer and reads the
// result.
func kong(t *testing.T) deck {
	t.Helper()
	_, document := made(t, "kong")
	converted := written(t, "kong.yaml", tool(t, "go-apiops", "openapi2kong", "--spec", document))
	merged := tool(t, "go-apiops", "merge", converted, "kong.consumer.yaml")
	var d deck
	if err := yaml.Unmarshal(merged, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestKong(t *testing.T) {
	t.Parallel()
	d := kong(t)
	if d.FormatVersion != "3.0" || len(d.Services) != 1 || d.Services[0].Host != "nestpayments" || d.Services[0].Retries != 0 {
		t.Fatalf("got %+v, want one service, without retries", d)
	}
	var plugins []string
	for _, p := range d.Services[0].Plugins {
		plugins = append(plugins, p.Name)
	}
	if want := []string{"correlation-id", "rate-limiting", "request-size-limiting"}; !slices.Equal(plugins, want) {
		t.Errorf("the service has the plugins %v, want %v", plugins, want)
	}
	if len(d.Consumers) != 1 || len(d.Consumers[0].JWTSecrets) != 1 || d.Consumers[0].JWTSecrets[0].Algorithm != "RS256" {
		t.Errorf("got the consumers %+v, want the issuer with an RS256 key", d.Consumers)
	}
	names := map[string]bool{}
	for _, r := range d.Services[0].Routes {
		if names[r.Name] {
			t.Errorf("two routes are named %s", r.Name)
		}
		names[r.Name] = true
		if r.StripPath == nil || *r.StripPath {
			t.Errorf("%s: the path would be stripped", r.Name)
		}
	}
	for _, o := range operations(t) {
		r := kongMatch(t, d, o.method, o.sample)
		if want := "nest-payments_" + strings.ReplaceAll(strings.ToLower(o.id), "_", "-"); r.Name != want {
			t.Errorf("%s %s goes to %q, want %s", o.method, o.sample, r.Name, want)
		}
		if got := kongNeedsToken(r); got != o.secured {
			t.Errorf("%s: needs a token is %t, want %t", o.id, got, o.secured)
		}
		if r := kongMatch(t, d, http.MethodOptions, o.sample); r.Name == "" || kongNeedsToken(r) {
			t.Errorf("preflights of %s go to %q, want a route without a token", o.sample, r.Name)
		}
	}
	for _, path := range []string{"/.well-known/jwks.json", "/openapi.yaml", "/openapi.json"} {
		if r := kongMatch(t, d, "GET", path); r.Name == "" || kongNeedsToken(r) {
			t.Errorf("GET %s goes to %q, want a route without a token", path, r.Name)
		}
	}
	for _, path := range []string{"/livez", "/readyz", "/metrics", "/user/", "/user/a/b", "/users", "/payment/confirm/x", "/"} {
		if r := kongMatch(t, d, "GET", path); r.Name != "" {
			t.Errorf("GET %s goes to %s, want none", path, r.Name)
		}
	}
}

// The template of a parameter never takes a static path: not even where that has no
// such method, as GET /user/login. It would read the user "login".
func TestKongPrefersStaticPaths(t *testing.T) {
	t.Parallel()
	d := kong(t)
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var static, templated []int
	for _, r := range d.Services[0].Routes {
		if strings.Contains(r.Paths[0], "(?<") {
			templated = append(templated, r.RegexPriority)
		} else {
			static = append(static, r.RegexPriority)
		}
	}
	if len(static) == 0 || len(templated) == 0 || slices.Min(static) <= slices.Max(templated) {
		t.Errorf("static paths have the priorities %v, templates %v, want all of the first above", static, templated)
	}
	for path := range spec.Paths.Map() {
		if strings.Contains(path, "{") {
			continue
		}
		if r := kongMatch(t, d, http.MethodOptions, path); strings.Contains(r.Name, "-id_") {
			t.Errorf("OPTIONS %s goes to %s", path, r.Name)
		}
	}
}

// kongMatch routes as Kong does: of the regular expressions that match from the
// start of the path, the one with the highest priority. The zero value if none does;
// a tie is an error.
func kongMatch(t *testing.T, d deck, method, path string) kongRoute {
	t.Helper()
	var best kongRoute
	for _, r := range d.Services[0].Routes {
		for _, p := range r.Paths {
			pattern, isRegexp := strings.CutPrefix(p, "~")
			if !isRegexp {
				t.Fatalf("%s: %s is a prefix, which would take longer paths too", r.Name, p)
			}
			if !slices.Contains(r.Methods, method) || !regexp.MustCompile(`^(?:`+pattern+`)`).MatchString(path) {
				continue
			}
			if best.Name != "" && best.RegexPriority == r.RegexPriority {
				t.Errorf("%s %s goes to %s or %s, as chance has it", method, path, best.Name, r.Name)
			}
			if best.Name == "" || r.RegexPriority > best.RegexPriority {
				best = r
			}
		}
	}
	return best
}

func kongNeedsToken(r kongRoute) bool {
	return slices.ContainsFunc(r.Plugins, func(p kongPlugin) bool {
		return p.Name == "jwt" && p.Config["key_claim_name"] == "iss"
	})
}
