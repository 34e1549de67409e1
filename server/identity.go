package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// caller returns the user who sent the request: nil for operations that need no
// token, never nil for the others.
func caller(ctx context.Context) *store.User { return eventOf(ctx).caller }

// tokenClaims verifies the request's token and returns what it says. It does not
// read the store.
func (s *Server) tokenClaims(h http.Header) (auth.Claims, error) {
	token, err := bearerToken(h)
	if err != nil {
		return auth.Claims{}, err
	}
	return s.tokens.Verify(token)
}

// findCaller reads the user of a verified token. The token of a deleted user, or
// of a session that has ended, is invalid.
func (s *Server) findCaller(ctx context.Context, claims auth.Claims) (*store.User, error) {
	u, err := s.store.User(ctx, claims.UserID)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Session != claims.Session {
		return nil, auth.ErrTokenInvalid
	}
	return u, err
}

// bearerToken returns the token of the one Authorization header (RFC 6750, section
// 2.1, and RFC 9110, section 11.4).
func bearerToken(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return "", errNoToken
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	token = strings.TrimLeft(token, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", errNoToken
	}
	return token, nil
}

// mayManage reports whether who may read, change and delete u. Admins may manage
// everybody, and every user themselves. A creator may manage a user who is not an
// admin and has not made the account their own, which clears CreatedBy.
func mayManage(who, u *store.User) bool {
	return who.Admin || who.ID == u.ID || who.ID == u.CreatedBy && !u.Admin
}

// visibleTo returns whose users a list is limited to, "" for everybody's. It lets
// through more than mayManage does.
func visibleTo(who *store.User) string {
	if who.Admin {
		return ""
	}
	return who.ID
}
