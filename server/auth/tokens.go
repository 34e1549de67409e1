package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The errors of Tokens.Verify. Neither holds anything of the token.
var (
	// ErrTokenInvalid: not a token of ours, or not one for us.
	ErrTokenInvalid = errors.New("token invalid")
	// ErrTokenExpired: signed by us, and past its time. Logging in helps.
	ErrTokenExpired = errors.New("token expired")
)

const (
	// algorithm is the only one: RSASSA-PKCS1-v1_5 with SHA-256.
	algorithm = "RS256"
	// tokenType marks an access token. Source: RFC 9068, section 2.1.
	tokenType = "at+jwt"
	// maxTokenBytes bounds the work on what anybody may send. Ours have about
	// 800 bytes with a 2048-bit key.
	maxTokenBytes = 4 << 10
	// headerMembers is alg, kid and typ.
	headerMembers = 3

	defaultTTL    = 2 * time.Hour
	defaultLeeway = 30 * time.Second
	maxLeeway     = 60 * time.Second
)

var errTokenMalformed = fmt.Errorf("%w: %w", ErrTokenInvalid, jwt.ErrTokenMalformed)

// TokenConfig is what Tokens needs.
type TokenConfig struct {
	// Keys sign and verify. Required.
	Keys *KeySet
	// Issuer is the iss claim, usually the URL of the service. Required.
	Issuer string
	// Audience is the aud claim. Required.
	Audience string
	// TTL is how long a token lives, in whole seconds. Default 2 hours.
	TTL time.Duration
	// Leeway is how far clocks may differ, 60 seconds at most. Default 30
	// seconds.
	Leeway time.Duration
	// Clock tells the time. Default time.Now.
	Clock func() time.Time
}

// Claims is what a verified token says. Times are UTC, in whole seconds.
type Claims struct {
	// UserID is the sub claim: 24 lower-case hexadecimal digits.
	UserID string
	// Session is the ses claim, 0 without one. The token has ended if it is not the
	// user's present Session.
	Session int64
	// ID is the jti claim, unique among tokens.
	ID        string
	IssuedAt  time.Time
	ExpiresAt time.Time
}

// Tokens issues and verifies access tokens. It is safe for concurrent use.
type Tokens struct {
	cfg      TokenConfig
	parser   *jwt.Parser
	verified verified
}

// NewTokens checks the configuration and reports all its faults together.
func NewTokens(cfg TokenConfig) (*Tokens, error) {
	if cfg.TTL == 0 {
		cfg.TTL = defaultTTL
	}
	if cfg.Leeway == 0 {
		cfg.Leeway = defaultLeeway
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	var faults []error
	if cfg.Keys == nil {
		faults = append(faults, errors.New("tokens: Keys is required"))
	}
	if cfg.Issuer == "" {
		faults = append(faults, errors.New("tokens: Issuer is required"))
	}
	if cfg.Audience == "" {
		faults = append(faults, errors.New("tokens: Audience is required"))
	}
	if cfg.TTL < time.Second || cfg.TTL%time.Second != 0 {
		faults = append(faults, fmt.Errorf("tokens: TTL is %v: it must be whole seconds, 1 or more", cfg.TTL))
	}
	if cfg.Leeway < 0 || cfg.Leeway > maxLeeway {
		faults = append(faults, fmt.Errorf("tokens: Leeway is %v: it must be from 0 to %v", cfg.Leeway, maxLeeway))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{algorithm}),
		jwt.WithStrictDecoding(),
		jwt.WithIssuer(cfg.Issuer),
		jwt.WithAudience(cfg.Audience),
		jwt.WithExpirationRequired(),
		jwt.WithIssuedAt(),
		jwt.WithLeeway(cfg.Leeway),
		jwt.WithTimeFunc(cfg.Clock),
	)
	return &Tokens{cfg: cfg, parser: parser}, nil
}

// Issue signs a token for the user's session and returns it with its exp claim.
func (t *Tokens) Issue(userID string, session int64) (token string, expires time.Time, err error) {
	if !isUserID(userID) {
		return "", time.Time{}, errors.New("issue token: the user id is not 24 lower-case hexadecimal digits")
	}
	issued := t.cfg.Clock().UTC().Truncate(time.Second)
	expires = issued.Add(t.cfg.TTL)
	claims := jwt.MapClaims{
		"iss": t.cfg.Issuer,
		"aud": t.cfg.Audience,
		"sub": userID,
		"iat": issued.Unix(),
		"exp": expires.Unix(),
		"jti": rand.Text(),
	}
	if session != 0 {
		claims["ses"] = session
	}
	unsigned := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	unsigned.Header["kid"] = t.cfg.Keys.signerID
	unsigned.Header["typ"] = tokenType
	token, err = unsigned.SignedString(t.cfg.Keys.signer)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("issue token: %w", err)
	}
	return token, expires, nil
}

// Verify returns what the token says, if it is ours, for us, and of now.
// ErrTokenExpired if it was signed by us and is past its time, else
// ErrTokenInvalid with the kind of fault.
func (t *Tokens) Verify(token string) (Claims, error) {
	if len(token) > maxTokenBytes {
		return Claims{}, errTokenMalformed
	}
	sum := sumOf(token)
	if known, ok := t.verified.find(sum, t.cfg.Clock()); ok {
		return known, nil
	}
	// Go's base64 decoder skips line breaks, strict or not.
	if strings.ContainsAny(token, "\r\n") {
		return Claims{}, errTokenMalformed
	}
	var c accessClaims
	if _, err := t.parser.ParseWithClaims(token, &c, t.cfg.Keys.find); err != nil {
		return Claims{}, tokenError(err)
	}
	claims := Claims{
		UserID:    c.Subject,
		Session:   c.Session,
		ID:        c.ID,
		IssuedAt:  c.IssuedAt.UTC(),
		ExpiresAt: c.ExpiresAt.UTC(),
	}
	t.verified.add(sum, claims)
	return claims, nil
}

// find is the jwt.Keyfunc: the key that the token's header names, provided that
// the header is one that we write.
func (s *KeySet) find(token *jwt.Token) (any, error) {
	kid, _ := token.Header["kid"].(string)
	key, known := s.public[kid]
	if !known || token.Header["typ"] != tokenType || len(token.Header) != headerMembers {
		return nil, jwt.ErrTokenUnverifiable
	}
	return key, nil
}

// accessClaims adds our own claims, and our own checks to the parser's.
type accessClaims struct {
	jwt.RegisteredClaims
	Session int64 `json:"ses"`
}

// Validate is called by the parser, once the signature is verified.
func (c *accessClaims) Validate() error {
	if !isUserID(c.Subject) {
		return jwt.ErrTokenInvalidSubject
	}
	if c.IssuedAt == nil || c.ID == "" {
		return jwt.ErrTokenRequiredClaimMissing
	}
	return nil
}

// tokenError keeps the kind of a parser's error and drops its text, which can
// quote the token.
func tokenError(err error) error {
	for _, kind := range [...]error{
		jwt.ErrTokenMalformed,
		jwt.ErrTokenUnverifiable,
		jwt.ErrTokenSignatureInvalid,
		jwt.ErrTokenInvalidIssuer,
		jwt.ErrTokenInvalidAudience,
		jwt.ErrTokenInvalidSubject,
		jwt.ErrTokenRequiredClaimMissing,
		jwt.ErrTokenUsedBeforeIssued,
		jwt.ErrTokenNotValidYet,
	} {
		if errors.Is(err, kind) {
			return fmt.Errorf("%w: %w", ErrTokenInvalid, kind)
		}
	}
	if errors.Is(err, jwt.ErrTokenExpired) {
		return ErrTokenExpired
	}
	return ErrTokenInvalid
}

// isUserID reports whether id has the form of store.NewID: 24 lower-case
// hexadecimal digits.
func isUserID(id string) bool {
	return len(id) == 24 && strings.Trim(id, "0123456789abcdef") == ""
}
