package server_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Every violation of a request is reported, each at its place, and no value is
// ever repeated.
func TestViolations(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, tc := range []struct {
		name string
		request
		want []string
	}{
		{"everything at once", request{path: "/user/register", body: `{"userName":"","email":"s3cret","passwrd":"s3cret","password":""}`}, []string{
			"#/email the email has no @: write it like name@example.com",
			"#/password must be at least 8 characters long",
			"#/passwrd is not a known property",
			"#/userName must not be blank", "#/userName must not be empty",
		}},
		{"missing properties", request{path: "/user/register", body: `{}`}, []string{
			"#/email is required", "#/password is required", "#/userName is required",
		}},
		{"wrong types", request{path: "/user/login", body: `{"email":5,"password":["s3cret"]}`}, []string{
			"#/email must be a string", "#/password must be a string",
		}},
		{"null", request{path: "/user/login", body: `null`}, []string{"# must be an object"}},
		{"an array", request{path: "/user/login", body: `[]`}, []string{"# must be an object"}},
		{"a number", request{path: "/user/login", body: `1e999999`}, []string{"# must be an object"}},
		{"no body", request{path: "/user/login", body: ``}, []string{"# a body is required"}},
		{"keys in other letter case", request{path: "/user/login", body: `{"Email":"a@example.com","password":"s3cret"}`}, []string{
			"#/Email is not a known property", "#/email is required",
		}},
		{"a key that needs escaping", request{path: "/user/login", body: `{"email":"a@example.com","password":"s3cret","a/b~c d":1}`}, []string{
			"#/a~1b~0c%20d is not a known property",
		}},
		{"a password of 513 characters", request{path: "/user/register", body: object{"userName": "A", "email": "a@example.com", "password": strings.Repeat("ä", 513)}}, []string{
			"#/password must be at most 512 characters long",
		}},
		{"a cuid with a space", request{path: "/payment", token: me.token, body: `{"cuid":"a b"}`}, []string{
			"#/cuid must match the pattern ^[A-Za-z0-9_-]+$",
		}},
		{"an empty cuid", request{path: "/payment", token: me.token, body: `{"cuid":""}`}, []string{
			"#/cuid must match the pattern ^[A-Za-z0-9_-]+$", "#/cuid must not be empty",
		}},
		{"a card number", request{path: "/payment/confirm", token: me.token, body: `{"cuid":"c","paymentId":"pi_1","paymentMethodId":"4242424242424242"}`}, []string{
			"#/paymentMethodId must match the pattern ^pm_[A-Za-z0-9_]+$",
		}},
		{"an id that is none", request{method: "GET", path: "/user/42", token: me.token}, []string{
			"id must be at least 24 characters long",
		}},
		{"a payment id that is none", request{method: "GET", path: "/payment/42", token: me.token}, []string{
			"id must be at least 4 characters long",
		}},
		{"an id with a null byte", request{method: "DELETE", path: "/user/%00", token: me.token}, []string{
			"id must be at least 24 characters long",
		}},
		{"an id of the right length", request{method: "GET", path: "/user/5F9F1C9B9C9C9C9C9C9C9C9C", token: me.token}, []string{
			"id must match the pattern ^[0-9a-f]{24}$",
		}},
		{"a PATCH with both", request{method: "PATCH", path: "/user/42", token: me.token, body: `{"admin":true}`}, []string{
			"#/admin is not a known property", "id must be at least 24 characters long",
		}},
		{"create with a smuggled id", request{path: "/user", token: me.token, body: object{"userName": "A", "email": "a@example.com", "password": password, "customerId": "cus_1"}}, []string{
			"#/customerId is not a known property",
		}},
		{"limits out of bounds", request{method: "GET", path: "/user?limit=0", token: me.token}, []string{"limit must be an integer from 1 to 100"}},
		{"a limit that is no number", request{method: "GET", path: "/payment?limit=ten", token: me.token}, []string{"limit must be an integer from 1 to 100"}},
		{"a limit beyond any integer", request{method: "GET", path: "/payment?limit=99999999999999999999", token: me.token}, []string{"limit must be an integer from 1 to 100"}},
		{"an empty limit", request{method: "GET", path: "/payment?limit=", token: me.token}, []string{"limit must be an integer from 1 to 100"}},
		{"a limit given twice", request{method: "GET", path: "/payment?limit=1&limit=2", token: me.token}, []string{"limit must be given once"}},
		{"an unknown query parameter", request{method: "GET", path: "/payment?limt=5", token: me.token}, []string{"limt is not a parameter of this operation"}},
		{"a made-up cursor", request{method: "GET", path: "/payment?cursor=%27", token: me.token}, []string{
			"cursor must be at least 24 characters long",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := a
			if tc.method == "" {
				tc.method = "POST"
			}
			res := a.send(tc.request)
			var got []string
			for _, v := range res.problem(t, 400, "invalid_request")["errors"].([]any) {
				v := v.(object)
				place := v["pointer"]
				if place == nil {
					place = v["parameter"]
				}
				got = append(got, fmt.Sprint(place, " ", v["detail"]))
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("got\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(tc.want, "\n\t"))
			}
			if strings.Contains(string(res.body), "s3cret") {
				t.Errorf("the answer repeats a value: %s", res.body)
			}
		})
	}
}

func TestBodyFormats(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	n := 0
	send := func(header http.Header) answer {
		n++
		body := fmt.Sprintf(`{"userName":"Ann","email":"ann%d@example.com","password":"correct horse"}`, n)
		return a.send(request{method: "POST", path: "/user/register", body: body, header: header})
	}
	// JSON has no parameters, so they do not matter (RFC 8259, section 11), unless they
	// say that the text is in another encoding.
	for _, contentType := range []string{
		"application/json", "Application/JSON", "application/json; charset=UTF-8", `application/json;charset="utf-8"`, "application/json; charset=utf8",
		"application/json; charset=US-ASCII", "application/json; charset='utf-8'", `application/json; charset="UTF8"; charset=utf-8`, "application/json; version=1",
		"application/json; charset=", "application/json ;\tcharset=utf8 ; x=\"a;b\"", "application/json;", "application/json;;", "application/json; charset",
		"application/json; charset=utf-8; charset=utf-8",
	} {
		send(http.Header{"Content-Type": {contentType}}).want(t, 201)
	}
	for _, contentType := range []string{"text/plain", "", "application/xml", "application/json; charset=iso-8859-1", `application/json; x="charset=utf-8"; CHARSET="UTF-16"`, "application/problem+json", "json", ";", "application/jsonx", "application/json, application/json", "application / json"} {
		send(http.Header{"Content-Type": {contentType}}).problem(t, 415, "unsupported_media_type")
	}
	send(http.Header{"Content-Type": nil}).problem(t, 415, "unsupported_media_type")
	for _, coding := range []string{"identity", "Identity", "", " , identity ,, identity"} {
		send(http.Header{"Content-Encoding": {coding}}).want(t, 201)
	}
	send(http.Header{"Content-Encoding": {"gzip"}}).problem(t, 415, "unsupported_media_type")
}

// chunks hides the length of what it reads.
type chunks struct{ r *strings.Reader }

func (c *chunks) Read(p []byte) (int, error) { return c.r.Read(p) }

func TestAccept(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	get := func(accept ...string) answer {
		return a.send(request{method: "GET", path: "/user", token: me.token, header: http.Header{"Accept": accept}})
	}
	for _, accept := range []string{"*/*", "application/json", "application/*;q=0.1", "text/html, application/json;q=0.9", "application/problem+json", "Application/JSON",
		"", " , application/json ,", "application/json;charset=utf-8;q=0.5", `text/html;x="a,b;c", APPLICATION/*`, "application/json ; Q=0.1", "text/html, */*; q=.2", "*",
		"application/json;q=high", "application/*;q=0, application/json", "text/html;level=1;q=1.0,application/json;version=2",
	} {
		get(accept).want(t, 200)
	}
	get("text/html", "application/json").want(t, 200)
	for _, accept := range []string{"text/html", "application/json;q=0", "image/*", "garbage", "application/json;q=0, */*", "*/*;q=0.000", "application/*;q=0, */*;q=1", `text/html;x="application/json"`} {
		get(accept).problem(t, 406, "not_acceptable")
	}
}
