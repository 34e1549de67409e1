package server_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/server/auth"
)

// A signing key is rolled while two replicas serve, one of them restarted at each
// step. At no step is a token refused that is not expired: neither by a replica,
// whichever of them issued it, nor by a gateway with the key set of the step
// before, which it may keep for five minutes.
func TestRollingTheSigningKey(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	older, newer := ring.signing.pem, ring.dropped.pem
	olderPublic := ring.signing.public
	p := newPair(t, older)
	p.check("the old key alone")
	both := func(name string, keys ...string) {
		for i := range p.replicas {
			p.restart(i, keys...)
			p.check(fmt.Sprintf("%s, on replica %d", name, i+1))
		}
	}
	both("the new key added, to verify", older, newer)
	both("the new key signs", newer, older)
	p.replicas[0].ahead.Add(int64(60 * time.Minute)) // so that some tokens outlive the old key's
	both("the old key only verifies", newer, olderPublic)
	p.replicas[0].ahead.Add(int64(61 * time.Minute)) // the last token of the old key has expired
	both("the old key dropped", newer)

	if kids := p.published(0); !slices.Equal(kids, []string{ring.dropped.kid}) {
		t.Errorf("the key set has %v, want the new key alone", kids)
	}
	if n := len(p.tokens); n != 18 {
		t.Errorf("%d tokens were issued on the way, want 18", n)
	}
}

// What the steps are for: a key that signs at once is not known everywhere yet.
func TestAKeyThatSignsAtOnceIsNotKnownEverywhere(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	p := newPair(t, ring.signing.pem)
	p.restart(0, ring.dropped.pem, ring.signing.pem)
	token := p.login(0)
	p.replicas[0].get("/user", token).want(t, 200)
	p.replicas[1].get("/user", token).problem(t, 401, "token_invalid")
}

// A gateway may keep the key set for five minutes, asks with the ETag then, and
// gets the new one only if there is one.
func TestKeySetIsCached(t *testing.T) {
	t.Parallel()
	ring := testRing(t)
	p := newPair(t, ring.signing.pem)
	ask := func(etag string) answer {
		return p.replicas[0].send(request{method: "GET", path: "/.well-known/jwks.json", header: http.Header{"If-None-Match": {etag}}})
	}
	first := ask(`"another"`).want(t, 200)
	etag := first.header.Get("ETag")
	for _, got := range []answer{first, ask(etag).want(t, 304)} {
		if cache := got.header.Get("Cache-Control"); cache != "public, max-age=300" {
			t.Errorf("status %d: Cache-Control is %q", got.status, cache)
		}
		if got.header.Get("ETag") != etag {
			t.Errorf("status %d: ETag is %q, want %q", got.status, got.header.Get("ETag"), etag)
		}
	}
	p.restart(0, ring.signing.pem, ring.retired.public)
	second := ask(etag).want(t, 200)
	if second.header.Get("ETag") == etag {
		t.Error("the key set has changed and its ETag has not")
	}
	// Behind a balancer, the replicas are one.
	p.restart(1, ring.signing.pem, ring.retired.public)
	other := p.replicas[1].get("/.well-known/jwks.json", "").want(t, 200)
	if other.header.Get("ETag") != second.header.Get("ETag") {
		t.Error("two replicas with the same keys have two ETags")
	}
}

// pair is two replicas over one database.
type pair struct {
	t        *testing.T
	replicas [2]*api
	user     person
	// tokens are all that were issued.
	tokens []string
	// cached are the key sets as they were at the last check.
	cached [2][]string
}

func newPair(t *testing.T, key string) *pair {
	t.Helper()
	a := start(t, setup{noWebhooks: true})
	b := *a
	b.handler = new(atomic.Pointer[http.Handler])
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*b.handler.Load()).ServeHTTP(w, r) }))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	p := &pair{t: t, replicas: [2]*api{a, &b}}
	for i := range p.replicas {
		p.restart(i, key)
	}
	p.user = a.register()
	return p
}

// restart gives a replica other keys.
func (p *pair) restart(replica int, pems ...string) {
	p.t.Helper()
	keys, err := auth.LoadKeys(pems...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.replicas[replica].serve(setup{change: func(c *server.Config) { c.Keys = keys }})
}

func (p *pair) login(replica int) string {
	p.t.Helper()
	return p.replicas[replica].post("/user/login", "", object{"email": p.user.email, "password": password}).want(p.t, 201).text(p.t, "access_token")
}

// check logs in at each replica and sends every token that was ever issued to
// both: they are accepted until they expire.
func (p *pair) check(step string) {
	p.t.Helper()
	for i := range p.replicas {
		token := p.login(i)
		kid := p.header(token)
		for _, cached := range p.cached {
			if cached != nil && !slices.Contains(cached, kid) {
				p.t.Errorf("%s: replica %d signs with a key that a gateway's key set does not have yet", step, i+1)
			}
		}
		p.tokens = append(p.tokens, token)
	}
	for n, token := range p.tokens {
		expired := p.expired(token)
		for i, a := range p.replicas {
			got := a.get("/user", token)
			if accepted := got.status == 200; accepted == expired {
				p.t.Errorf("%s: replica %d answers %d to token %d; expired: %t", step, i+1, got.status, n, expired)
			}
		}
	}
	for i := range p.replicas {
		p.cached[i] = p.published(i)
	}
}

// published are the ids of the keys in a replica's key set.
func (p *pair) published(replica int) (kids []string) {
	p.t.Helper()
	var set struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(p.replicas[replica].get("/.well-known/jwks.json", "").want(p.t, 200).body, &set); err != nil {
		p.t.Fatal(err)
	}
	for _, k := range set.Keys {
		kids = append(kids, k.Kid)
	}
	return kids
}

// header is the id of the key that the token says it was signed with.
func (p *pair) header(token string) string {
	p.t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		p.t.Fatal(err)
	}
	return parsed.Header["kid"].(string)
}

// expired tells whether the token's time is over by the replicas' clock.
func (p *pair) expired(token string) bool {
	p.t.Helper()
	parsed, _, err := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	if err != nil {
		p.t.Fatal(err)
	}
	exp, err := parsed.Claims.GetExpirationTime()
	if err != nil {
		p.t.Fatal(err)
	}
	return p.replicas[0].clock().After(exp.Time)
}

// testKey is a signing key as the tests need it, its private half included.
type testKey struct {
	private *rsa.PrivateKey
	// pem is the private key, public the public half alone.
	pem, public, kid string
}

// keyRing is three keys of which a server has had the first two.
type keyRing struct{ signing, retired, dropped testKey }

func testRing(t testing.TB) keyRing {
	t.Helper()
	ring, err := oneKeyRing()
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

var oneKeyRing = sync.OnceValues(func() (ring keyRing, err error) {
	for _, k := range []*testKey{&ring.signing, &ring.retired, &ring.dropped} {
		if *k, err = newTestKey(); err != nil {
			return ring, err
		}
	}
	return ring, nil
})

func newTestKey() (k testKey, err error) {
	dir, err := os.MkdirTemp("", "key")
	if err != nil {
		return k, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "key.pem")
	if err := auth.GenerateKey(path); err != nil {
		return k, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return k, err
	}
	k.pem = string(text)
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return k, err
	}
	k.private = parsed.(*rsa.PrivateKey)
	der, err := x509.MarshalPKIXPublicKey(&k.private.PublicKey)
	if err != nil {
		return k, err
	}
	k.public = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	set, err := auth.LoadKeys(k.pem)
	if err != nil {
		return k, err
	}
	var published struct{ Keys []struct{ Kid string } }
	if err := json.Unmarshal(set.JWKS(), &published); err != nil {
		return k, err
	}
	k.kid = published.Keys[0].Kid
	return k, nil
}
