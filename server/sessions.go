package server

import (
	"context"
	"errors"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// UserControllerRegister creates a user for whoever asks, and logs it in.
func (h *handlers) UserControllerRegister(ctx context.Context, r gen.UserControllerRegisterRequestObject) (gen.UserControllerRegisterResponseObject, error) {
	u, err := draftUser(r.Body)
	if err != nil {
		return nil, err
	}
	from := eventOf(ctx).from
	if err := h.throttle.ClaimEmail(ctx, from, nil); err != nil {
		return nil, err
	}
	if err := h.insert(ctx, u, r.Body.Password, nil); err != nil {
		return nil, err
	}
	// The user exists now: the answer does not depend on whether it is remembered.
	_ = h.throttle.RememberSignUp(ctx, u.EmailKey, from)
	eventOf(ctx).userID = u.ID
	token, _, err := h.tokens.Issue(u.ID, u.Session)
	if err != nil {
		return nil, err
	}
	return gen.UserControllerRegister201JSONResponse{AccessToken: token}, nil
}

// UserControllerLogin exchanges credentials for a token.
func (h *handlers) UserControllerLogin(ctx context.Context, r gen.UserControllerLoginRequestObject) (gen.UserControllerLoginResponseObject, error) {
	u, rehash, err := h.checkCredentials(ctx, r.Body.Email, r.Body.Password)
	if err != nil {
		return nil, err
	}
	if rehash {
		if err := h.rehash(ctx, u, r.Body.Password); err != nil {
			return nil, err
		}
	}
	eventOf(ctx).userID = u.ID
	token, _, err := h.tokens.Issue(u.ID, u.Session)
	if err != nil {
		return nil, err
	}
	return gen.UserControllerLogin201JSONResponse{AccessToken: token}, nil
}

// checkCredentials finds the user of the email and password, if the caller may
// try, and reports whether the password should be hashed again. Unknown emails cost
// the same work and give the same error as wrong passwords: errCredentials.
func (h *handlers) checkCredentials(ctx context.Context, email, password string) (u *store.User, rehash bool, err error) {
	_, key, err := auth.NormalizeEmail(email)
	if err != nil {
		return nil, false, err
	}
	attempt, err := h.throttle.Login(ctx, key, eventOf(ctx).from)
	if err != nil {
		return nil, false, err
	}
	u, rehash, err = h.verify(ctx, attempt, key, password)
	if errors.Is(err, errCredentials) {
		if err := attempt.Failed(ctx); err != nil {
			return nil, false, err
		}
	}
	if err != nil {
		return nil, false, err
	}
	return u, rehash, attempt.Succeeded(ctx)
}

// verify finds the user whose password it is, and reports whether it should be
// hashed again. errCredentials, after the same work for every email, also for an
// attempt that is refused.
func (h *handlers) verify(ctx context.Context, attempt *auth.Login, emailKey, password string) (u *store.User, rehash bool, err error) {
	hasher := h.hasher.For(eventOf(ctx).from)
	u, err = h.store.UserByEmail(ctx, emailKey)
	if errors.Is(err, store.ErrNotFound) || err == nil && attempt.Refused() {
		if err := hasher.VerifyNone(ctx, password); err != nil {
			return nil, false, err
		}
		return nil, false, errCredentials
	}
	if err != nil {
		return nil, false, err
	}
	ok, rehash, err := hasher.Verify(ctx, u.PasswordHash, password)
	if err == nil && !ok {
		err = errCredentials
	}
	return u, rehash, err
}

// rehash stores the password under today's parameters. A lost race is left to
// the next login.
func (h *handlers) rehash(ctx context.Context, u *store.User, password string) error {
	hash, err := h.hasher.For(eventOf(ctx).from).Hash(ctx, password)
	if err != nil {
		return err
	}
	u.PasswordHash, u.UpdatedAt = hash, h.now()
	if err := h.store.UpdateUser(ctx, u); err != nil && !errors.Is(err, store.ErrStale) {
		return err
	}
	return nil
}
