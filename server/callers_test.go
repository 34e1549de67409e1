package server_test

import (
	"bytes"
	"encoding/base64"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// credentials are the Authorization header of a caller.
func (s *scene) credentials(caller string, it objects) http.Header {
	ring := testRing(s.t)
	now := time.Now()
	good := jwt.MapClaims{
		"iss": "nest-payments", "aud": "nest-payments", "sub": it.owner.id, "jti": "forged",
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	signed := func(key testKey, changes jwt.MapClaims) string {
		claims := maps.Clone(good)
		maps.Copy(claims, changes)
		return forge(s.t, key, jwt.SigningMethodRS256, key.private, claims)
	}
	var token string
	switch caller {
	case "none":
		return http.Header{}
	case "garbage":
		token = "garbage"
	case "expired":
		token = signed(ring.signing, jwt.MapClaims{"iat": now.Add(-2 * time.Hour).Unix(), "exp": now.Add(-time.Hour).Unix()})
	case "early":
		token = signed(ring.signing, jwt.MapClaims{"iat": now.Add(time.Hour).Unix(), "exp": now.Add(2 * time.Hour).Unix()})
	case "issuer":
		token = signed(ring.signing, jwt.MapClaims{"iss": "somebody-else"})
	case "audience":
		token = signed(ring.signing, jwt.MapClaims{"aud": "something-else"})
	case "hs256":
		token = forge(s.t, ring.signing, jwt.SigningMethodHS256, []byte(ring.signing.public), good)
	case "unsigned":
		token = forge(s.t, ring.signing, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, good)
	case "tampered":
		parts := strings.Split(it.owner.token, ".")
		claims, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			s.t.Fatal(err)
		}
		claims = bytes.ReplaceAll(claims, []byte(it.owner.id), []byte(s.admin.id))
		token = parts[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + parts[2]
	case "dropped":
		token = signed(ring.dropped, nil)
	case "deleted":
		token = s.deleted.token
	case "retired":
		token = signed(ring.retired, nil)
	case "owner":
		token = it.owner.token
	case "creator":
		token = s.creator.token
	case "stranger":
		token = s.stranger.token
	case "admin":
		token = s.admin.token
	case "exadmin":
		token = s.exadmin.token
	default:
		s.t.Fatalf("the table has an unknown caller %q", caller)
	}
	return http.Header{"Authorization": {"Bearer " + token}}
}

// forge makes a token that is like one of ours but for the method and claims.
func forge(t testing.TB, named testKey, method jwt.SigningMethod, key any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"], token.Header["typ"] = named.kid, "at+jwt"
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
