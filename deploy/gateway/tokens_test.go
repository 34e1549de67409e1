package main

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
)

// badTokens: Envoy refuses them, as a problem of the contract, and the server never
// hears of it.
func (s *system) badTokens(t *testing.T) {
	keys, err := auth.LoadKeys(s.key)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(keys *auth.KeySet, issuer, audience string, at time.Time) string {
		t.Helper()
		tokens, err := auth.NewTokens(auth.TokenConfig{Keys: keys, Issuer: issuer, Audience: audience, Clock: func() time.Time { return at }})
		if err != nil {
			t.Fatal(err)
		}
		token, _, err := tokens.Issue("5f9f1c9b9c9c9c9c9c9c9c9c", 0)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	other := filepath.Join(t.TempDir(), "other.pem")
	if err := auth.GenerateKey(other); err != nil {
		t.Fatal(err)
	}
	otherKeys, err := auth.LoadKeys(other)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	good := issue(keys, "nest-payments", "nest-payments", now)
	head, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	// Well signed, well formed, for nobody: it passes the edge and the server knows
	// better. So the others fail for what is wrong with them.
	if a := s.send(t, "", "GET", "/user", "", "Authorization", "Bearer "+good); a.status != http.StatusUnauthorized {
		t.Errorf("a token for nobody: status %d", a.status)
	} else {
		s.log.await(t, "the token for nobody", func(r logged) bool { return r.RequestID == a.requestID() })
	}
	for _, tc := range []struct{ name, authorization, code string }{
		{"none", "", "unauthenticated"},
		{"no bearer token", "Basic YTpi", "unauthenticated"},
		{"no token at all", "Bearer", "unauthenticated"},
		{"no JWT", "Bearer abc", "token_invalid"},
		{"another's key", "Bearer " + issue(otherKeys, "nest-payments", "nest-payments", now), "token_invalid"},
		{"another issuer", "Bearer " + issue(keys, "other", "nest-payments", now), "token_invalid"},
		{"another audience", "Bearer " + issue(keys, "nest-payments", "other", now), "token_invalid"},
		{"another payload", "Bearer " + head + "." + base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"nest-payments","aud":"nest-payments","sub":"000000000000000000000000","exp":99999999999}`)) + "." + signature, "token_invalid"},
		{"no signature", "Bearer " + head + "." + payload + ".", "token_invalid"},
		{"the algorithm none", "Bearer " + base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + payload + ".", "token_invalid"},
		{"the public key as a secret", "Bearer " + s.confused(t, keys, payload), "token_invalid"},
		{"a token of yesterday", "Bearer " + issue(keys, "nest-payments", "nest-payments", now.Add(-24*time.Hour)), "token_expired"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var answers []answer
			for _, o := range operations(t) {
				if !o.secured {
					continue
				}
				var headers []string
				if tc.authorization != "" {
					headers = []string{"Authorization", tc.authorization}
				}
				a := s.send(t, "", o.method, o.sample, "", headers...)
				p := a.problem(t)
				if a.status != http.StatusUnauthorized || p.Code != tc.code || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
					t.Errorf("%s: %d %v %s, want 401 %s with a challenge", o.id, a.status, a.header, a.body, tc.code)
				}
				answers = append(answers, a)
			}
			s.neverReached(t, answers...)
		})
	}
}

// confused is a token that is signed by HMAC with the public key, which only a
// verifier takes that lets the token choose the algorithm.
func (s *system) confused(t *testing.T, keys *auth.KeySet, payload string) string {
	t.Helper()
	text, err := os.ReadFile(s.key)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.(*rsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(keys.JWKS(), &set); err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf(`{"alg":"HS256","typ":"at+jwt","kid":%q}`, set.Keys[0].Kid)
	signed := base64.RawURLEncoding.EncodeToString([]byte(head)) + "." + payload
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}))
	mac.Write([]byte(signed))
	return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// neverReached: a request that is sent later is in the server's log, and these are
// not. Their answers are problems of the contract with the ids of the requests.
func (s *system) neverReached(t *testing.T, answers ...answer) {
	t.Helper()
	later := s.send(t, "", "POST", "/user/login", `{}`)
	s.log.await(t, "a later request", func(r logged) bool { return r.RequestID == later.requestID() })
	for _, a := range answers {
		if p := a.problem(t); p.Instance == "" || p.Instance != a.requestID() {
			t.Errorf("the problem names the request %q, the header %q", p.Instance, a.requestID())
		}
		conforms(t, a.body)
		if r, reached := s.log.find(a.requestID()); reached {
			t.Errorf("the request has reached the server: %+v", r)
		}
	}
}

// conforms checks a problem against the contract.
func conforms(t *testing.T, body []byte) {
	t.Helper()
	spec, err := openapi3.NewLoader().LoadFromData(gen.OpenAPI)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatal(err)
	}
	schema := spec.Components.Schemas["Problem"].Value
	if err := schema.VisitJSON(value); err != nil {
		t.Errorf("not the contract's problem: %v", err)
	}
	if codes := schema.Properties["code"].Value.Extensions["x-extensible-enum"].([]any); !slices.Contains(codes, value.(map[string]any)["code"]) {
		t.Errorf("the contract has no code %v", value.(map[string]any)["code"])
	}
}
