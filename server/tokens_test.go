package server_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// What makes a token good is tested beside it, in server/auth. Here: that every
// kind of bad one is a 401 with a challenge, on a secured operation.
func TestBadTokens(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	parts := strings.Split(me.token, ".")
	claims := jwt.MapClaims{
		"iss": "nest-payments", "aud": "nest-payments", "sub": me.id, "jti": "x",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	hmac, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(a.get("/.well-known/jwks.json", "").body)
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, claims).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, authorization := range map[string][]string{
		"none at all":                  nil,
		"an empty header":              {""},
		"the scheme alone":             {"Bearer"},
		"another scheme":               {"Basic " + me.token},
		"no token":                     {"Bearer garbage"},
		"two headers":                  {"Bearer " + me.token, "Bearer " + me.token},
		"tampered claims":              {"Bearer " + parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"sub":"5f9f1c9b9c9c9c9c9c9c9c9c"}`)) + "." + parts[2]},
		"another algorithm":            {"Bearer " + hmac},
		"the algorithm none":           {"Bearer " + none},
		"no signature":                 {"Bearer " + parts[0] + "." + parts[1] + "."},
		"something behind":             {"Bearer " + me.token + "x"},
		"a token of ridiculous length": {"Bearer " + strings.Repeat("a", 8<<10)},
	} {
		got := a.send(request{method: "GET", path: "/user", header: http.Header{"Authorization": authorization}})
		// RFC 6750, section 3.1: no error for a request without a token.
		challenge := got.header.Get("WWW-Authenticate")
		tokenSent := len(authorization) == 1 && strings.HasPrefix(authorization[0], "Bearer ")
		code := "unauthenticated"
		if tokenSent {
			code = "token_invalid"
		}
		got.problem(t, 401, code)
		if !strings.HasPrefix(challenge, `Bearer realm="nest-payments"`) || strings.Contains(challenge, `error="invalid_token"`) != tokenSent {
			t.Errorf("%s: WWW-Authenticate is %q, want an error in it: %t", name, challenge, tokenSent)
		}
	}
}

func TestTokenExpires(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	a.ahead.Store(int64(119 * time.Minute))
	a.get("/user", me.token).want(t, 200)
	a.ahead.Store(int64(121 * time.Minute))
	got := a.get("/user", me.token)
	got.problem(t, 401, "token_expired")
	if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="invalid_token"`) {
		t.Errorf("WWW-Authenticate is %q, want it to say invalid_token", challenge)
	}
}

// Every operation but registration, login and the webhook needs a token, and
// says so before it says anything of the request.
func TestEveryOtherOperationNeedsAToken(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	open := map[string]bool{"UserController_register": true, "UserController_login": true, "WebhookController_stripe": true}
	for path, item := range c.spec.Paths.Map() {
		for method, op := range item.Operations() {
			if open[op.OperationID] {
				continue
			}
			r := request{method: method, path: strings.ReplaceAll(path, "{id}", "not-an-id")}
			if op.RequestBody != nil {
				r.body = `{"not": "valid"`
			}
			a.send(r).problem(t, 401, "unauthenticated")
		}
	}
}

// The scheme has any letter case, and any number of spaces behind it (RFC 9110,
// section 11).
func TestAuthorizationIsReadLiberally(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	for _, before := range []string{"Bearer ", "bearer ", "BEARER ", "bEaReR    ", "  Bearer "} {
		a.send(request{method: "GET", path: "/user", header: http.Header{"Authorization": {before + me.token + " "}}}).want(t, 200)
	}
	for _, other := range []string{"Bearer\t" + me.token, "Bearer" + me.token, me.token, "Token " + me.token} {
		a.send(request{method: "GET", path: "/user", header: http.Header{"Authorization": {other}}}).problem(t, 401, "unauthenticated")
	}
}
