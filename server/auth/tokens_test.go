package auth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const (
	testIssuer   = "https://pay.example.com"
	testAudience = "nestpayments"
	testUser     = "5f9f1c9b9c9c9c9c9c9c9c9c"
)

// testNow has a fraction of a second, which no claim shows.
func testNow() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 700e6, time.UTC) }

func newTokens(t testing.TB, keys *KeySet) *Tokens {
	t.Helper()
	tokens, err := NewTokens(TokenConfig{Keys: keys, Issuer: testIssuer, Audience: testAudience, Clock: testNow})
	if err != nil {
		t.Fatalf("NewTokens: %v", err)
	}
	return tokens
}

type object = map[string]any

// forgery is a token in parts. The zero changes make it a good one.
type forgery struct {
	header, claims object
	method         jwt.SigningMethod
	key            any
}

func goodForgery() forgery {
	now := testNow().Unix()
	key := testKeys()[0]
	return forgery{
		header: object{"alg": "RS256", "kid": thumbprint(&key.PublicKey), "typ": "at+jwt"},
		claims: object{"iss": testIssuer, "aud": testAudience, "sub": testUser, "iat": now, "exp": now + 7200, "jti": "one"},
		method: jwt.SigningMethodRS256,
		key:    key,
	}
}

func (f forgery) token(t testing.TB) string {
	t.Helper()
	return sign(t, marshal(t, f.header), marshal(t, f.claims), f.method, f.key)
}

func sign(t testing.TB, header, payload []byte, method jwt.SigningMethod, key any) string {
	t.Helper()
	enc := base64.RawURLEncoding
	text := enc.EncodeToString(header) + "." + enc.EncodeToString(payload)
	signature, err := method.Sign(text, key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + enc.EncodeToString(signature)
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// verifier signs with key 0, and still verifies key 1, of which it has only the
// public half. Keys 2 and 3 are strangers.
func verifier(t testing.TB) *Tokens {
	keys := testKeys()
	return newTokens(t, parseKeys(t, pkcs8(t, keys[0]), pkix(t, &keys[1].PublicKey)))
}

func TestIssuedTokenSaysWhatItShould(t *testing.T) {
	t.Parallel()
	tokens := verifier(t)
	token, expires, err := tokens.Issue(testUser, 0)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	var header, payload object
	if err := json.Unmarshal(decodePart(t, parts[0]), &header); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(decodePart(t, parts[1]), &payload); err != nil {
		t.Fatal(err)
	}
	wantHeader := goodForgery().header
	if !maps.Equal(header, wantHeader) {
		t.Errorf("header: got %v, want %v", header, wantHeader)
	}
	iat := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	jti, _ := payload["jti"].(string)
	want := object{
		"iss": testIssuer, "aud": testAudience, "sub": testUser, "jti": jti,
		"iat": float64(iat.Unix()), "exp": float64(iat.Add(2 * time.Hour).Unix()),
	}
	if !maps.Equal(payload, want) || len(jti) < 22 {
		t.Errorf("claims: got %v, want %v with a jti of 128 bits or more", payload, want)
	}
	if !expires.Equal(iat.Add(2 * time.Hour)) {
		t.Errorf("expires: got %v, want %v", expires, iat.Add(2*time.Hour))
	}

	claims, err := tokens.Verify(token)
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	if wantClaims := (Claims{UserID: testUser, ID: jti, IssuedAt: iat, ExpiresAt: expires}); claims != wantClaims {
		t.Errorf("verified: got %+v, want %+v", claims, wantClaims)
	}
	if len(token) > maxTokenBytes/2 {
		t.Errorf("length: got %d, want half of the limit at most", len(token))
	}
}

func TestTokenCarriesItsSession(t *testing.T) {
	t.Parallel()
	tokens := verifier(t)
	for _, session := range []int64{0, 1, 1 << 53} {
		token, _, err := tokens.Issue(testUser, session)
		if err != nil {
			t.Fatal(err)
		}
		for _, seen := range []string{"first", "again"} {
			claims, err := tokens.Verify(token)
			if err != nil || claims.Session != session {
				t.Errorf("session %d, seen %s: got %d, %v", session, seen, claims.Session, err)
			}
		}
	}
}

func TestEveryTokenHasItsOwnID(t *testing.T) {
	t.Parallel()
	tokens := verifier(t)
	seen := map[string]bool{}
	for range 8 {
		token, _, err := tokens.Issue(testUser, 0)
		if err != nil {
			t.Fatal(err)
		}
		claims, err := tokens.Verify(token)
		if err != nil {
			t.Fatal(err)
		}
		seen[claims.ID] = true
	}
	if len(seen) != 8 {
		t.Errorf("got %d ids of 8 tokens, want 8", len(seen))
	}
}

func TestIssueRefusesWhatIsNoUserID(t *testing.T) {
	t.Parallel()
	tokens := verifier(t)
	for _, id := range []string{"", "me", testUser[1:], testUser + "0", strings.ToUpper(testUser)} {
		if token, _, err := tokens.Issue(id, 0); err == nil {
			t.Errorf("%q: got a token of %d bytes, want an error", id, len(token))
		}
	}
}

func TestVerifyJudgesHeaderAndClaims(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	now := testNow().Unix()
	secret := pkix(t, &keys[0].PublicKey)
	tests := map[string]struct {
		forge func(*forgery)
		want  error // nil: accepted
	}{
		"unchanged": {func(f *forgery) {}, nil},
		"retired key, of which only the public half is known": {func(f *forgery) {
			f.header["kid"], f.key = thumbprint(&keys[1].PublicKey), keys[1]
		}, nil},

		"alg none": {func(f *forgery) {
			f.header["alg"], f.method, f.key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		}, jwt.ErrTokenSignatureInvalid},
		"HS256 with the public key as secret": {func(f *forgery) {
			f.header["alg"], f.method, f.key = "HS256", jwt.SigningMethodHS256, secret
		}, jwt.ErrTokenSignatureInvalid},
		"RS384":           {func(f *forgery) { f.header["alg"], f.method = "RS384", jwt.SigningMethodRS384 }, jwt.ErrTokenSignatureInvalid},
		"PS256":           {func(f *forgery) { f.header["alg"], f.method = "PS256", jwt.SigningMethodPS256 }, jwt.ErrTokenSignatureInvalid},
		"unknown alg":     {func(f *forgery) { f.header["alg"] = "XS256" }, jwt.ErrTokenUnverifiable},
		"alg in capitals": {func(f *forgery) { f.header["alg"] = "rs256" }, jwt.ErrTokenUnverifiable},
		"no alg":          {func(f *forgery) { delete(f.header, "alg") }, jwt.ErrTokenUnverifiable},

		"stranger's key under our kid": {func(f *forgery) { f.key = keys[2] }, jwt.ErrTokenSignatureInvalid},
		"key of another of our kids":   {func(f *forgery) { f.key = keys[1] }, jwt.ErrTokenSignatureInvalid},
		"unknown kid": {func(f *forgery) {
			f.header["kid"], f.key = thumbprint(&keys[2].PublicKey), keys[2]
		}, jwt.ErrTokenUnverifiable},
		"no kid":           {func(f *forgery) { delete(f.header, "kid") }, jwt.ErrTokenUnverifiable},
		"kid not a string": {func(f *forgery) { f.header["kid"] = []int{1} }, jwt.ErrTokenUnverifiable},
		"kid a path":       {func(f *forgery) { f.header["kid"] = "../../dev/null" }, jwt.ErrTokenUnverifiable},

		"typ JWT, as of an ID token": {func(f *forgery) { f.header["typ"] = "JWT" }, jwt.ErrTokenUnverifiable},
		"no typ":                     {func(f *forgery) { delete(f.header, "typ") }, jwt.ErrTokenUnverifiable},
		"embedded key": {func(f *forgery) {
			n, e := encodeKey(&keys[2].PublicKey)
			f.header["jwk"], f.key = object{"kty": "RSA", "n": n, "e": e}, keys[2]
		}, jwt.ErrTokenUnverifiable},
		"jku":  {func(f *forgery) { f.header["jku"] = "https://evil.example/jwks.json" }, jwt.ErrTokenUnverifiable},
		"x5u":  {func(f *forgery) { f.header["x5u"] = "https://evil.example/cert.pem" }, jwt.ErrTokenUnverifiable},
		"crit": {func(f *forgery) { f.header["crit"] = []string{"exp"} }, jwt.ErrTokenUnverifiable},
		"zip":  {func(f *forgery) { f.header["zip"] = "DEF" }, jwt.ErrTokenUnverifiable},

		"wrong issuer":               {func(f *forgery) { f.claims["iss"] = testIssuer + "/" }, jwt.ErrTokenInvalidIssuer},
		"no issuer":                  {func(f *forgery) { delete(f.claims, "iss") }, jwt.ErrTokenRequiredClaimMissing},
		"wrong audience":             {func(f *forgery) { f.claims["aud"] = "other" }, jwt.ErrTokenInvalidAudience},
		"audiences with ours":        {func(f *forgery) { f.claims["aud"] = []string{"other", testAudience} }, nil},
		"audiences without ours":     {func(f *forgery) { f.claims["aud"] = []string{"other", "third"} }, jwt.ErrTokenInvalidAudience},
		"audiences, none":            {func(f *forgery) { f.claims["aud"] = []string{} }, jwt.ErrTokenRequiredClaimMissing},
		"no audience":                {func(f *forgery) { delete(f.claims, "aud") }, jwt.ErrTokenRequiredClaimMissing},
		"no subject":                 {func(f *forgery) { delete(f.claims, "sub") }, jwt.ErrTokenInvalidSubject},
		"subject not a user id":      {func(f *forgery) { f.claims["sub"] = "admin" }, jwt.ErrTokenInvalidSubject},
		"subject in capitals":        {func(f *forgery) { f.claims["sub"] = strings.ToUpper(testUser) }, jwt.ErrTokenInvalidSubject},
		"subject a database query":   {func(f *forgery) { f.claims["sub"] = object{"$gt": ""} }, jwt.ErrTokenMalformed},
		"no jti":                     {func(f *forgery) { delete(f.claims, "jti") }, jwt.ErrTokenRequiredClaimMissing},
		"expired":                    {func(f *forgery) { f.claims["exp"] = now - 3600 }, ErrTokenExpired},
		"expired since the leeway":   {func(f *forgery) { f.claims["exp"] = now - 30 }, ErrTokenExpired},
		"expired within the leeway":  {func(f *forgery) { f.claims["exp"] = now - 29 }, nil},
		"expired and for another":    {func(f *forgery) { f.claims["exp"], f.claims["aud"] = now-3600, "other" }, jwt.ErrTokenInvalidAudience},
		"expired by a stranger":      {func(f *forgery) { f.claims["exp"], f.key = now-3600, keys[2] }, jwt.ErrTokenSignatureInvalid},
		"no expiry":                  {func(f *forgery) { delete(f.claims, "exp") }, jwt.ErrTokenRequiredClaimMissing},
		"expiry null":                {func(f *forgery) { f.claims["exp"] = nil }, jwt.ErrTokenRequiredClaimMissing},
		"expiry not a number":        {func(f *forgery) { f.claims["exp"] = "never" }, jwt.ErrTokenMalformed},
		"issued in the future":       {func(f *forgery) { f.claims["iat"] = now + 31 }, jwt.ErrTokenUsedBeforeIssued},
		"issued within the leeway":   {func(f *forgery) { f.claims["iat"] = now + 30 }, nil},
		"no time of issue":           {func(f *forgery) { delete(f.claims, "iat") }, jwt.ErrTokenRequiredClaimMissing},
		"not yet valid":              {func(f *forgery) { f.claims["nbf"] = now + 31 }, jwt.ErrTokenNotValidYet},
		"valid within the leeway":    {func(f *forgery) { f.claims["nbf"] = now + 30 }, nil},
		"valid since the past":       {func(f *forgery) { f.claims["nbf"] = now - 60 }, nil},
		"session not a number":       {func(f *forgery) { f.claims["ses"] = "0" }, jwt.ErrTokenMalformed},
		"session a fraction":         {func(f *forgery) { f.claims["ses"] = 0.5 }, jwt.ErrTokenMalformed},
		"further claims are ignored": {func(f *forgery) { f.claims["admin"] = true }, nil},
		"oversized": {func(f *forgery) {
			f.claims["pad"] = strings.Repeat("x", maxTokenBytes)
		}, jwt.ErrTokenMalformed},
	}
	tokens := verifier(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := goodForgery()
			tc.forge(&f)
			checkVerify(t, tokens, f.token(t), tc.want)
		})
	}
}

func TestVerifyJudgesTheSpelling(t *testing.T) {
	t.Parallel()
	good := goodForgery()
	token := good.token(t)
	parts := strings.Split(token, ".")
	header, payload, signature := parts[0], parts[1], parts[2]
	other := goodForgery()
	other.claims["sub"] = "000000000000000000000000"
	tests := map[string]struct {
		token string
		want  error
	}{
		"unchanged":                 {token, nil},
		"payload of another":        {header + "." + strings.Split(other.token(t), ".")[1] + "." + signature, jwt.ErrTokenSignatureInvalid},
		"signature with a bit less": {header + "." + payload + "." + flip(signature, 10), jwt.ErrTokenSignatureInvalid},
		"signature emptied":         {header + "." + payload + ".", jwt.ErrTokenSignatureInvalid},
		"signature cut off":         {header + "." + payload, jwt.ErrTokenMalformed},
		// By one octet: the last two letters. What is left has no stray bits.
		"signature shortened":        {header + "." + payload + "." + signature[:len(signature)-2], jwt.ErrTokenSignatureInvalid},
		"signature lengthened":       {token + "AA", jwt.ErrTokenSignatureInvalid},
		"stray trailing bits":        {token[:len(token)-1] + string(nextLetter(token[len(token)-1])), jwt.ErrTokenMalformed},
		"padding":                    {token + "==", jwt.ErrTokenMalformed},
		"fourth part":                {token + ".e30", jwt.ErrTokenMalformed},
		"five parts, as of a JWE":    {token + "." + payload + "." + signature, jwt.ErrTokenMalformed},
		"line break in the middle":   {header + "." + payload + "." + signature[:10] + "\n" + signature[10:], jwt.ErrTokenMalformed},
		"line break at the end":      {token + "\r\n", jwt.ErrTokenMalformed},
		"space before":               {" " + token, jwt.ErrTokenMalformed},
		"with the scheme":            {"Bearer " + token, jwt.ErrTokenMalformed},
		"NUL at the end":             {token + "\x00", jwt.ErrTokenMalformed},
		"empty":                      {"", jwt.ErrTokenMalformed},
		"dots alone":                 {"..", jwt.ErrTokenMalformed},
		"garbage":                    {"not a token", jwt.ErrTokenMalformed},
		"invalid UTF-8":              {"\xff.\xfe.\xfd", jwt.ErrTokenMalformed},
		"header null":                {sign(t, []byte("null"), marshal(t, good.claims), good.method, good.key), jwt.ErrTokenUnverifiable},
		"header an array":            {sign(t, []byte("[]"), marshal(t, good.claims), good.method, good.key), jwt.ErrTokenMalformed},
		"payload null":               {sign(t, marshal(t, good.header), []byte("null"), good.method, good.key), jwt.ErrTokenInvalidSubject},
		"payload not JSON":           {sign(t, marshal(t, good.header), []byte("{"), good.method, good.key), jwt.ErrTokenMalformed},
		"payload with trailing data": {sign(t, marshal(t, good.header), append(marshal(t, good.claims), "{}"...), good.method, good.key), jwt.ErrTokenMalformed},
		"ten million dots":           {strings.Repeat(".", 10_000_000), jwt.ErrTokenMalformed},
		"nothing but a long header":  {strings.Repeat("A", maxTokenBytes-4) + ".A.A", jwt.ErrTokenMalformed},
	}
	tokens := verifier(t)
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkVerify(t, tokens, tc.token, tc.want)
		})
	}
}

// checkVerify wants the token accepted if want is nil, and else refused with
// ErrTokenExpired, or with ErrTokenInvalid and the kind of fault.
func checkVerify(t *testing.T, tokens *Tokens, token string, want error) {
	t.Helper()
	claims, err := tokens.Verify(token)
	if want == nil {
		if err != nil || claims.UserID != testUser {
			t.Errorf("got %+v, %v, want the claims of %s", claims, err, testUser)
		}
		return
	}
	if !errors.Is(err, want) {
		t.Errorf("got %+v, %v, want %v", claims, err, want)
	}
	if claims != (Claims{}) {
		t.Errorf("claims: got %+v, want none", claims)
	}
	if expired := want == ErrTokenExpired; errors.Is(err, ErrTokenInvalid) == expired || errors.Is(err, ErrTokenExpired) != expired {
		t.Errorf("got %v, want exactly one of ErrTokenInvalid and ErrTokenExpired", err)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && err != nil && strings.Contains(err.Error(), part) {
			t.Errorf("the error quotes the token: %v", err)
		}
	}
}

// flip replaces the letter at i by its neighbour.
func flip(s string, i int) string { return s[:i] + string(nextLetter(s[i])) + s[i+1:] }

func nextLetter(c byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[(strings.IndexByte(alphabet, c)+1)%len(alphabet)]
}

func TestRollingKeys(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	before, after := pkcs8(t, keys[0]), pkcs8(t, keys[2])
	retired := pkix(t, &keys[0].PublicKey)
	issue := func(tokens *Tokens) string {
		token, _, err := tokens.Issue(testUser, 0)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	steps := []*Tokens{
		newTokens(t, parseKeys(t, before)),
		newTokens(t, parseKeys(t, before, after)),
		newTokens(t, parseKeys(t, after, before)),
		newTokens(t, parseKeys(t, after, retired)),
		newTokens(t, parseKeys(t, after)),
	}
	// Replicas of two neighbouring steps run at once during a deployment.
	for i := range len(steps) - 1 {
		for _, pair := range [2][2]int{{i, i + 1}, {i + 1, i}} {
			if _, err := steps[pair[1]].Verify(issue(steps[pair[0]])); err != nil {
				t.Errorf("token of step %d at step %d: got %v, want it accepted", pair[0], pair[1], err)
			}
		}
	}
	if _, err := steps[3].Verify(issue(steps[0])); err != nil {
		t.Errorf("token of the retired key: got %v, want it accepted", err)
	}
	if _, err := steps[4].Verify(issue(steps[1])); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("token of a key that is gone: got %v, want ErrTokenInvalid", err)
	}
}

func TestTokenConfig(t *testing.T) {
	t.Parallel()
	good := TokenConfig{Keys: parseKeys(t, pkcs8(t, testKeys()[0])), Issuer: testIssuer, Audience: testAudience}
	tests := map[string]struct {
		change func(*TokenConfig)
		want   []string // named in the error; empty: accepted
	}{
		"defaults":                {func(c *TokenConfig) {}, nil},
		"leeway of a minute":      {func(c *TokenConfig) { c.Leeway = time.Minute }, nil},
		"leeway above a minute":   {func(c *TokenConfig) { c.Leeway = time.Minute + 1 }, []string{"Leeway"}},
		"negative leeway":         {func(c *TokenConfig) { c.Leeway = -1 }, []string{"Leeway"}},
		"negative life":           {func(c *TokenConfig) { c.TTL = -time.Hour }, []string{"TTL"}},
		"life of half seconds":    {func(c *TokenConfig) { c.TTL = 1500 * time.Millisecond }, []string{"TTL"}},
		"every fault at one time": {func(c *TokenConfig) { *c = TokenConfig{TTL: -1, Leeway: -1} }, []string{"Keys", "Issuer", "Audience", "TTL", "Leeway"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := good
			tc.change(&cfg)
			_, err := NewTokens(cfg)
			if (err == nil) != (len(tc.want) == 0) {
				t.Fatalf("got %v, want an error that names %v", err, tc.want)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q, want it to name %s", err, want)
				}
			}
		})
	}
}

// FuzzVerify holds that nothing is accepted but the very strings that were
// issued.
func FuzzVerify(f *testing.F) {
	tokens := verifier(f)
	var issued []string
	for range 2 {
		token, _, err := tokens.Issue(testUser, 0)
		if err != nil {
			f.Fatal(err)
		}
		issued = append(issued, token)
		f.Add(token)
		f.Add(token + "\n")
		f.Add(token[:len(token)-1])
		f.Add(strings.Replace(token, ".", "..", 1))
	}
	unsigned := goodForgery()
	unsigned.header["alg"], unsigned.method, unsigned.key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
	f.Add(unsigned.token(f))
	f.Add("eyJhbGciOiJSUzI1NiJ9.bnVsbA.")
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := tokens.Verify(token)
		switch {
		case err == nil && !slices.Contains(issued, token):
			t.Fatalf("accepted what was not issued: %+v", claims)
		case err != nil && !errors.Is(err, ErrTokenInvalid) && !errors.Is(err, ErrTokenExpired):
			t.Fatalf("got %v, want ErrTokenInvalid or ErrTokenExpired", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	tokens := verifier(b)
	token, _, err := tokens.Issue(testUser, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIssue(b *testing.B) {
	tokens := verifier(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := tokens.Issue(testUser, 0); err != nil {
			b.Fatal(err)
		}
	}
}
