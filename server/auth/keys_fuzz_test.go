package auth

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"
)

// FuzzKeys holds that whatever is in a key file, what comes out is a set of
// RSA keys of 2048 bits and more that issues what it verifies, or an error that
// holds nothing of the file.
func FuzzKeys(f *testing.F) {
	keys := testKeys()
	good := pkcs8(f, keys[0])
	f.Add(good, pkix(f, &keys[1].PublicKey))
	f.Add(pkcs1(keys[0]), good)
	f.Add(append(bytes.Clone(good), good...), []byte{})
	f.Add(pemBlock("PRIVATE KEY", []byte("no key")), pemBlock("ENCRYPTED PRIVATE KEY", nil))
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nDEK-Info: x\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), []byte("-----BEGIN EC PRIVATE KEY-----\n-----END EC PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		set, err := keySetOf(first, second)
		if err != nil {
			for _, data := range [][]byte{first, second} {
				if block, _ := pem.Decode(data); block != nil && len(block.Bytes) >= 16 && strings.Contains(err.Error(), string(block.Bytes)) {
					t.Fatalf("the error holds the key: %v", err)
				}
			}
			return
		}
		var published struct{ Keys []map[string]string }
		if err := json.Unmarshal(set.JWKS(), &published); err != nil || len(published.Keys) != 2 {
			t.Fatalf("the key set is %s, %v", set.JWKS(), err)
		}
		for _, key := range published.Keys {
			if len(key) != 6 || key["kty"] != "RSA" || len(key["n"]) < minKeyBits/8*4/3 {
				t.Fatalf("published: %v", key)
			}
		}
		tokens := newTokens(t, set)
		token, _, err := tokens.Issue(testUser, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tokens.Verify(token); err != nil {
			t.Fatalf("the set does not verify what it issued: %v", err)
		}
	})
}
