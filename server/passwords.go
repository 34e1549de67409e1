package server

import (
	"context"
	"errors"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// UserControllerChangePassword replaces the caller's password, ends every token
// issued so far, and issues a new one.
func (h *handlers) UserControllerChangePassword(ctx context.Context, r gen.UserControllerChangePasswordRequestObject) (gen.UserControllerChangePasswordResponseObject, error) {
	if err := auth.CheckPassword(auth.FieldNewPassword, r.Body.NewPassword); err != nil {
		return nil, err
	}
	u, err := h.checkCurrentPassword(ctx, r.Body)
	if err != nil {
		return nil, err
	}
	hash, err := h.hasher.For(eventOf(ctx).from).Hash(ctx, r.Body.NewPassword)
	if err != nil {
		return nil, err
	}
	u, err = h.write(ctx, u, func(u *store.User) error {
		u.SetPassword(hash)
		u.UpdatedAt = h.now()
		return h.store.UpdateUser(ctx, u)
	})
	if err != nil {
		return nil, err
	}
	token, _, err := h.tokens.Issue(u.ID, u.Session)
	if err != nil {
		return nil, err
	}
	return gen.UserControllerChangePassword201JSONResponse{AccessToken: token}, nil
}

// checkCurrentPassword returns the caller if the current password is right and the
// new one differs. Failures count as failed logins: a stolen token must not allow
// guessing. errWrongPassword, errPasswordUnchanged.
//
// Whoever set the current password would know an unchanged one, so a change to the
// same password must not end their relation to the user.
func (h *handlers) checkCurrentPassword(ctx context.Context, body *gen.ChangePasswordDto) (*store.User, error) {
	if auth.SamePassword(body.CurrentPassword, body.NewPassword) {
		return nil, errPasswordUnchanged
	}
	who := caller(ctx)
	u, _, err := h.checkCredentials(ctx, who.EmailKey, body.CurrentPassword)
	switch {
	case errors.Is(err, errCredentials):
		return nil, errWrongPassword
	case err != nil:
		return nil, err
	case u.ID != who.ID || u.Session != who.Session:
		return nil, auth.ErrTokenInvalid // ended since the request began
	}
	return u, nil
}
