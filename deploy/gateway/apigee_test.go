package main

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// bundle is what is read of a proxy bundle.
type bundle struct {
	BasePath string `xml:"HTTPProxyConnection>BasePath"`
	Flows    []struct {
		Name      string   `xml:"name,attr"`
		Condition string   `xml:"Condition"`
		Steps     []string `xml:"Request>Step>Name"`
	} `xml:"Flows>Flow"`
}

func TestApigee(t *testing.T) {
	t.Parallel()
	_, document := made(t, "apigee")
	dir := t.TempDir()
	tool(t, "npm/node_modules/.bin/openapi2apigee", "generateApi", "nest-payments", "--source", document, "--destination", dir)
	var got bundle
	text, err := os.ReadFile(filepath.Join(dir, "nest-payments/apiproxy/proxies/default.xml"))
	if err == nil {
		err = xml.Unmarshal(text, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.BasePath != "/" {
		t.Errorf("the base path is %q: Location and Link would lead elsewhere", got.BasePath)
	}
	if len(got.Flows) != len(operations(t)) {
		t.Errorf("%d flows for %d operations", len(got.Flows), len(operations(t)))
	}
	for _, o := range operations(t) {
		if name, secured := got.first(t, o.method, o.sample); name != o.id || secured != o.secured {
			t.Errorf("%s %s goes to %q, needs a token is %t; want %s, %t", o.method, o.sample, name, secured, o.id, o.secured)
		}
	}
	if target, err := os.ReadFile(filepath.Join(dir, "nest-payments/apiproxy/targets/default.xml")); err != nil ||
		!strings.Contains(string(target), "<URL>https://nestpayments.example.com</URL>") {
		t.Errorf("the target is %v\n%s", err, target)
	}
}

var apigeeCondition = regexp.MustCompile(`^\(proxy\.pathsuffix MatchesPath "([^"]+)"\) and \(request\.verb = "([A-Z]+)"\)$`)

// first is the flow that Apigee runs: the first whose condition holds.
func (b bundle) first(t *testing.T, method, path string) (name string, secured bool) {
	t.Helper()
	for _, flow := range b.Flows {
		parts := apigeeCondition.FindStringSubmatch(flow.Condition)
		if parts == nil {
			t.Fatalf("%s: the condition is %s", flow.Name, flow.Condition)
		}
		template := regexp.MustCompile(`\\\{[^/]+\\\}`).ReplaceAllString(regexp.QuoteMeta(parts[1]), "[^/]+")
		if parts[2] == method && regexp.MustCompile("^"+template+"$").MatchString(path) {
			return flow.Name, len(flow.Steps) == 1 && flow.Steps[0] == "verify-jwt"
		}
	}
	return "", false
}

// The policy that the flows name, and that the tool does not make.
func TestApigeeVerifiesTokens(t *testing.T) {
	t.Parallel()
	var policy struct {
		XMLName   xml.Name
		Name      string `xml:"name,attr"`
		Algorithm string
		JWKS      struct {
			URI string `xml:"uri,attr"`
		} `xml:"PublicKey>JWKS"`
		Issuer, Audience string
	}
	text, err := os.ReadFile("apigee.verify-jwt.xml")
	if err == nil {
		err = xml.Unmarshal(text, &policy)
	}
	if err != nil {
		t.Fatal(err)
	}
	if policy.XMLName.Local != "VerifyJWT" || policy.Name != "verify-jwt" || policy.Algorithm != "RS256" ||
		!strings.HasSuffix(policy.JWKS.URI, "/.well-known/jwks.json") || policy.Issuer != "nest-payments" || policy.Audience != "nest-payments" {
		t.Errorf("got %+v", policy)
	}
}
