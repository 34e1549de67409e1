package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// testKeys are four 2048-bit keys, made once per run.
var testKeys = sync.OnceValue(func() (keys [4]*rsa.PrivateKey) {
	for i := range keys {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		keys[i] = key
	}
	return keys
})

func pemBlock(typ string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: typ, Bytes: der})
}

func pkcs1(key *rsa.PrivateKey) []byte {
	return pemBlock("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
}

func pkcs8(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("PRIVATE KEY", der)
}

func pkix(t testing.TB, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("PUBLIC KEY", der)
}

func parseKeys(t testing.TB, pems ...[]byte) *KeySet {
	t.Helper()
	set, err := keySetOf(pems...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// keySetOf reads what the sources of keys hold, whether or not it is PEM text.
func keySetOf(pems ...[]byte) (*KeySet, error) {
	sources := make([]keySource, len(pems))
	for i, data := range pems {
		sources[i] = keySource{name: fmt.Sprintf("key %d", i+1), data: data}
	}
	return newKeySet(sources)
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeyFormats(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	tests := map[string][]byte{
		"PKCS#8":                        pkcs8(t, keys[0]),
		"PKCS#1":                        pkcs1(keys[0]),
		"text before the block is fine": append([]byte("made in 2026\n"), pkcs8(t, keys[0])...),
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := LoadKeys(writeFile(t, "key.pem", data), writeFile(t, "retired.pem", pkix(t, &keys[1].PublicKey)))
			if err != nil {
				t.Fatal(err)
			}
			if want := thumbprint(&keys[0].PublicKey); set.signerID != want {
				t.Errorf("signing key: got kid %q, want %q, the first", set.signerID, want)
			}
			if len(set.public) != 2 {
				t.Errorf("verifying keys: got %d, want 2", len(set.public))
			}
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	good := pkcs8(t, keys[0])
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	legacy := pem.EncodeToMemory(&pem.Block{
		Type:    "RSA PRIVATE KEY",
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC,00"},
		Bytes:   []byte("sealed"),
	})
	tests := map[string]struct {
		files [][]byte
		want  []string
	}{
		"no key":                         {nil, []string{"at least one"}},
		"not PEM":                        {[][]byte{[]byte("ssh-rsa AAAA")}, []string{"key 1", "not PEM"}},
		"empty":                          {[][]byte{nil}, []string{"key 1", "not PEM"}},
		"elliptic curve in PKCS#8":       {[][]byte{pkcs8(t, ec)}, []string{"key 1", "not an RSA key"}},
		"elliptic curve in SEC 1":        {[][]byte{pemBlock("EC PRIVATE KEY", sec1)}, []string{"key 1", "not an RSA key"}},
		"Ed25519":                        {[][]byte{pkcs8(t, ed)}, []string{"key 1", "not an RSA key"}},
		"elliptic curve, public":         {[][]byte{good, pkix(t, &ec.PublicKey)}, []string{"key 2", "not an RSA key"}},
		"1,024 bits":                     {[][]byte{pkcs8(t, small)}, []string{"key 1", "1024 bits", "2048"}},
		"1,024 bits, public":             {[][]byte{good, pkix(t, &small.PublicKey)}, []string{"key 2", "1024 bits"}},
		"first is only public":           {[][]byte{pkix(t, &keys[0].PublicKey), pkcs8(t, keys[1])}, []string{"key 1", "only a public key"}},
		"same key twice":                 {[][]byte{good, pkcs1(keys[0])}, []string{"key 2", "same key as key 1"}},
		"same key, private and public":   {[][]byte{good, pkix(t, &keys[0].PublicKey)}, []string{"key 2", "same key as key 1"}},
		"encrypted PKCS#8":               {[][]byte{pemBlock("ENCRYPTED PRIVATE KEY", []byte("sealed"))}, []string{"key 1", "encrypted"}},
		"encrypted PKCS#1":               {[][]byte{legacy}, []string{"key 1", "encrypted"}},
		"certificate":                    {[][]byte{pemBlock("CERTIFICATE", []byte("x"))}, []string{"key 1", "CERTIFICATE"}},
		"damaged":                        {[][]byte{pemBlock("PRIVATE KEY", []byte("x"))}, []string{"key 1", "damaged"}},
		"two keys in one file":           {[][]byte{append(pkcs8(t, keys[0]), pkcs8(t, keys[1])...)}, []string{"key 1", "more than one"}},
		"every fault is told at once":    {[][]byte{nil, good, pkcs8(t, ec), pkcs8(t, small)}, []string{"key 1", "key 3", "key 4"}},
		"a bad first key hides no other": {[][]byte{pkix(t, &keys[0].PublicKey), []byte("x")}, []string{"key 1", "key 2"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := keySetOf(tc.files...)
			if err == nil {
				t.Fatalf("got a key set with %d keys, want an error", len(set.public))
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error: got %q, want it to say %q", err, want)
				}
			}
		})
	}
}

func TestUnreadableKeyFilesAreNamed(t *testing.T) {
	t.Parallel()
	broken := writeFile(t, "broken.pem", []byte("x"))
	_, err := LoadKeys(broken, t.TempDir())
	for _, want := range []string{"key file " + broken + ": is not PEM", "cannot be read: is a directory"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %q", err, want)
		}
	}
}

// An item that is no file may be a key in another form, so no error repeats it.
func TestAnItemThatIsNoFileIsNotRepeated(t *testing.T) {
	t.Parallel()
	text := pkcs8(t, testKeys()[0])
	block, _ := pem.Decode(text)
	body := base64.StdEncoding.EncodeToString(block.Bytes)
	for name, item := range map[string]string{
		"a path without a file": filepath.Join(t.TempDir(), "hunter2.pem"),
		"a PEM text in base64":  base64.StdEncoding.EncodeToString(text),
		"DER":                   string(block.Bytes),
		"DER in hexadecimal":    hex.EncodeToString(block.Bytes),
		"DER in base64":         body,
		"a line of a PEM text":  body[64:128],
		"a short word":          "hunter2",
	} {
		_, err := LoadKeys(item)
		if err == nil || !strings.HasPrefix(err.Error(), "item 1: is neither an existing file nor a PEM text: ") {
			t.Errorf("%s: got %v, want an error about item 1", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), item) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: the error repeats it: %v", name, err)
		}
	}
	if _, err := LoadKeys("hunter2"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want fs.ErrNotExist", err)
	}
}

func TestGenerateKey(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "signing.pem")
	if err := GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode: got %o, want 600", got)
	}
	set, err := LoadKeys(path)
	if err != nil {
		t.Fatalf("LoadKeys: %v", err)
	}
	if got := set.signer.N.BitLen(); got != 2048 {
		t.Errorf("size: got %d bits, want 2048", got)
	}

	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := GenerateKey(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("second time: got %v, want fs.ErrExist", err)
	}
	after, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Error("the second time changed the file")
	}
}

// The key and the thumbprint are the example of RFC 7638, section 3.1.
func TestThumbprintIsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	n, err := base64.RawURLEncoding.DecodeString("0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw")
	if err != nil {
		t.Fatal(err)
	}
	got := thumbprint(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537})
	if want := "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// A gateway's way: find the key of the token in the published set, and check
// the signature with nothing but the standard library.
func TestJWKSVerifiesATokenElsewhere(t *testing.T) {
	t.Parallel()
	keys := testKeys()
	set := parseKeys(t, pkcs8(t, keys[0]), pkix(t, &keys[1].PublicKey))
	tokens := newTokens(t, set)
	token, _, err := tokens.Issue(testUser, 0)
	if err != nil {
		t.Fatal(err)
	}

	var published struct {
		Keys []map[string]string `json:"keys"`
	}
	if err := json.Unmarshal(set.JWKS(), &published); err != nil {
		t.Fatal(err)
	}
	if len(published.Keys) != 2 {
		t.Fatalf("published keys: got %d, want 2", len(published.Keys))
	}
	for i, key := range published.Keys {
		if key["kty"] != "RSA" || key["use"] != "sig" || key["alg"] != "RS256" || len(key) != 6 {
			t.Errorf("key %d: got %v, want kty RSA, use sig, alg RS256, kid, n, e and no more", i, key)
		}
	}
	first := published.Keys[0]
	parts := strings.Split(token, ".")
	var header map[string]string
	if err := json.Unmarshal(decodePart(t, parts[0]), &header); err != nil {
		t.Fatal(err)
	}
	if header["kid"] != first["kid"] {
		t.Fatalf("kid: got %q in the token, want %q as published first", header["kid"], first["kid"])
	}
	public := &rsa.PublicKey{
		N: new(big.Int).SetBytes(decodePart(t, first["n"])),
		E: int(new(big.Int).SetBytes(decodePart(t, first["e"])).Int64()),
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], decodePart(t, parts[2])); err != nil {
		t.Errorf("signature: %v", err)
	}
}

func TestJWKSCannotBeChangedByACaller(t *testing.T) {
	t.Parallel()
	set := parseKeys(t, pkcs8(t, testKeys()[0]))
	want := string(set.JWKS())
	set.JWKS()[0] = 'x'
	if got := string(set.JWKS()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func decodePart(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
