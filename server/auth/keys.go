package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
)

// minKeyBits is the smallest RSA key for RS256.
// Source: RFC 7518, section 3.3.
const minKeyBits = 2048

// KeySet is the RSA keys of the service: the first signs, all verify. It is
// immutable and safe for concurrent use.
type KeySet struct {
	signer   *rsa.PrivateKey
	signerID string
	public   map[string]*rsa.PublicKey // by kid
	jwks     []byte
}

// LoadKeys reads one key from each path of a PEM file, or from each PEM text itself: an
// RSA private key (PKCS#1 or PKCS#8), or, for a retired key that only verifies, a public
// key (PKIX). The first must be a private key. The error names every key that is at
// fault, an existing file by its path and anything else by its number, and says what to do.
func LoadKeys(keys ...string) (*KeySet, error) {
	sources := make([]keySource, len(keys))
	for i, key := range keys {
		sources[i] = readKeySource(i+1, key)
	}
	return newKeySet(sources)
}

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517), the signing
// key first.
func (s *KeySet) JWKS() []byte { return slices.Clone(s.jwks) }

// GenerateKey makes a 2048-bit signing key and writes it to path as PKCS#8 PEM,
// readable by its owner alone. It never overwrites: errors.Is(err,
// fs.ErrExist).
func GenerateKey(path string) error {
	key, err := rsa.GenerateKey(rand.Reader, minKeyBits)
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // #nosec G304 -- the operator's path
	if err != nil {
		return fmt.Errorf("generate key: %w", err)
	}
	err = errors.Join(pem.Encode(f, &pem.Block{Type: "PRIVATE KEY", Bytes: der}), f.Sync(), f.Close())
	if err != nil {
		return errors.Join(fmt.Errorf("generate key: %w", err), os.Remove(path))
	}
	return nil
}

func newKeySet(sources []keySource) (*KeySet, error) {
	if len(sources) == 0 {
		return nil, errors.New("no signing key: give at least one RSA private key")
	}
	set := &KeySet{public: make(map[string]*rsa.PublicKey, len(sources))}
	owner := make(map[string]string, len(sources)) // name of the source, by kid
	var kids []string
	var faults []error
	for i, src := range sources {
		private, public, err := parseKey(src)
		if err == nil && i == 0 && private == nil {
			err = errors.New("holds only a public key, and the first key signs: put a private key first")
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", src.name, err))
			continue
		}
		kid := thumbprint(public)
		if other, dup := owner[kid]; dup {
			faults = append(faults, fmt.Errorf("%s: holds the same key as %s: name it once", src.name, other))
			continue
		}
		if i == 0 {
			set.signer, set.signerID = private, kid
		}
		set.public[kid], owner[kid] = public, src.name
		kids = append(kids, kid)
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	var err error
	set.jwks, err = marshalJWKS(kids, set.public)
	return set, err
}

// parseKey returns both halves of the key, or the public one alone.
func parseKey(src keySource) (*rsa.PrivateKey, *rsa.PublicKey, error) {
	if src.err != nil {
		return nil, nil, src.err
	}
	block, rest := pem.Decode(src.data)
	if block == nil {
		return nil, nil, errors.New(`is not PEM: it must hold a block like "-----BEGIN PRIVATE KEY-----"`)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, nil, errors.New("holds more than one PEM block: give each key its own file")
	}
	key, err := parseBlock(block)
	if err != nil {
		return nil, nil, err
	}
	var private *rsa.PrivateKey
	var public *rsa.PublicKey
	switch k := key.(type) {
	case *rsa.PrivateKey:
		private, public = k, &k.PublicKey
	case *rsa.PublicKey:
		public = k
	default:
		return nil, nil, errors.New("is not an RSA key, and RS256 needs one: make one with openssl genrsa 2048")
	}
	if bits := public.N.BitLen(); bits < minKeyBits {
		return nil, nil, fmt.Errorf("has %d bits, and RS256 needs %d or more: make a larger key", bits, minKeyBits)
	}
	return private, public, nil
}

// parseBlock returns a key of any algorithm.
func parseBlock(block *pem.Block) (any, error) {
	if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
		return nil, errors.New("is encrypted: decrypt it with openssl pkcs8, and guard the file instead")
	}
	var key any
	var err error
	switch block.Type {
	case "PRIVATE KEY":
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "EC PRIVATE KEY":
		return nil, nil // not RSA: the caller says so
	default:
		return nil, fmt.Errorf("holds %q: it must be PRIVATE KEY, RSA PRIVATE KEY or PUBLIC KEY", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("holds a damaged %s, make a new one: %w", block.Type, err)
	}
	return key, nil
}
