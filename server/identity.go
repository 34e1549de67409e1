package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// caller returns the user who sent the request, nil for an operation that needs no
// token. The chain ensures that every other has one.
func caller(ctx context.Context) *store.User { return eventOf(ctx).caller }

// tokenUser verifies the request's token and returns the id of its user. It does
// not read the store.
func (s *Server) tokenUser(h http.Header) (string, error) {
	token, err := bearerToken(h)
	if err != nil {
		return "", err
	}
	claims, err := s.tokens.Verify(token)
	return claims.UserID, err
}

// findCaller reads the user of a verified token. The token of a deleted user is as
// good as none.
func (s *Server) findCaller(ctx context.Context, userID string) (*store.User, error) {
	u, err := s.store.User(ctx, userID)
	if errors.Is(err, store.ErrNotFound) {
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

// mayTouch is who may see, change and delete a user: the user, whoever created
// it, and admins.
func mayTouch(who, u *store.User) bool {
	return who.Admin || who.ID == u.ID || who.ID == u.CreatedBy
}

// visibleTo is the same rule for lists: whose users the list is limited to.
func visibleTo(who *store.User) string {
	if who.Admin {
		return ""
	}
	return who.ID
}
