package auth

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// jwk is an RSA public key.
// Source: RFC 7517, section 4; RFC 7518, section 6.3.1.
type jwk struct {
	Type      string `json:"kty"`
	Use       string `json:"use"`
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	Modulus   string `json:"n"`
	Exponent  string `json:"e"`
}

func marshalJWKS(kids []string, public map[string]*rsa.PublicKey) ([]byte, error) {
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, kid := range kids {
		n, e := encodeKey(public[kid])
		set.Keys = append(set.Keys, jwk{Type: "RSA", Use: "sig", Algorithm: algorithm, KeyID: kid, Modulus: n, Exponent: e})
	}
	return json.Marshal(set)
}

// thumbprint is the kid of a key: the hash of its required members in
// lexicographic order.
// Source: RFC 7638, section 3.
func thumbprint(key *rsa.PublicKey) string {
	n, e := encodeKey(key)
	sum := sha256.Sum256(fmt.Appendf(nil, `{"e":%q,"kty":"RSA","n":%q}`, e, n))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// encodeKey returns modulus and exponent as Base64urlUInt.
// Source: RFC 7518, section 2.
func encodeKey(key *rsa.PublicKey) (n, e string) {
	enc := base64.RawURLEncoding
	return enc.EncodeToString(key.N.Bytes()), enc.EncodeToString(big.NewInt(int64(key.E)).Bytes())
}
