package server

import (
	"context"
	"errors"
	"fmt"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// UserControllerCreate creates a user that the caller may touch from then on.
func (h *handlers) UserControllerCreate(ctx context.Context, r gen.UserControllerCreateRequestObject) (gen.UserControllerCreateResponseObject, error) {
	if err := h.throttle.Create(ctx, caller(ctx).ID); err != nil {
		return nil, err
	}
	u, err := h.newUser(ctx, r.Body, caller(ctx).ID)
	if err != nil {
		return nil, err
	}
	location := "user/" + u.ID // relative, as in page
	return gen.UserControllerCreate201JSONResponse{
		Body:    userDTO(u),
		Headers: gen.UserControllerCreate201ResponseHeaders{Location: &location},
	}, nil
}

// UserControllerFindAll lists the users that the caller may touch, by id.
func (h *handlers) UserControllerFindAll(ctx context.Context, r gen.UserControllerFindAllRequestObject) (gen.UserControllerFindAllResponseObject, error) {
	limit := limitOf(r.Params.Limit)
	list, err := h.store.ListUsers(ctx, store.UserQuery{
		VisibleTo: visibleTo(caller(ctx)), After: cursorOf(r.Params.Cursor), Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := page("user", list, limit, func(u *store.User) string { return u.ID })
	return gen.UserControllerFindAll200JSONResponse{
		Body:    userDTOs(list),
		Headers: gen.UserControllerFindAll200ResponseHeaders{Link: next},
	}, nil
}

// UserControllerFindOne reads a user that the caller may touch.
func (h *handlers) UserControllerFindOne(ctx context.Context, r gen.UserControllerFindOneRequestObject) (gen.UserControllerFindOneResponseObject, error) {
	u, err := h.touchable(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return gen.UserControllerFindOne200JSONResponse(userDTO(u)), nil
}

// UserControllerUpdate changes what the body names.
func (h *handlers) UserControllerUpdate(ctx context.Context, r gen.UserControllerUpdateRequestObject) (gen.UserControllerUpdateResponseObject, error) {
	u, err := h.touchable(ctx, r.ID)
	for range maxUpdates {
		if err != nil {
			return nil, err
		}
		err = h.save(ctx, u, r.Body)
		if err == nil {
			return gen.UserControllerUpdate200JSONResponse(userDTO(u)), nil
		}
		if !errors.Is(err, store.ErrStale) {
			return nil, err
		}
		u, err = h.user(ctx, r.ID)
	}
	return nil, fmt.Errorf("update user: %d races lost: %w", maxUpdates, store.ErrStale)
}

// maxUpdates bounds how often a change that lost a race is made again.
const maxUpdates = 5

// UserControllerRemove deletes a user that the caller may touch. Payments stay.
func (h *handlers) UserControllerRemove(ctx context.Context, r gen.UserControllerRemoveRequestObject) (gen.UserControllerRemoveResponseObject, error) {
	u, err := h.touchable(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if err := h.store.DeleteUser(ctx, u.ID); errors.Is(err, store.ErrNotFound) {
		return nil, errUserNotFound
	} else if err != nil {
		return nil, err
	}
	return gen.UserControllerRemove200JSONResponse(userDTO(u)), nil
}

// touchable finds a user that the caller may touch. Strangers' users are
// errUserNotFound like those that do not exist.
func (h *handlers) touchable(ctx context.Context, id string) (*store.User, error) {
	who := caller(ctx)
	if id == who.ID {
		return who, nil // read for the token a moment ago, and of this request alone
	}
	u, err := h.user(ctx, id)
	if err == nil && !mayTouch(who, u) {
		return nil, errUserNotFound
	}
	return u, err
}

func (h *handlers) user(ctx context.Context, id string) (*store.User, error) {
	u, err := h.store.User(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errUserNotFound
	}
	return u, err
}

// newUser stores a user with a hashed password. createdBy is empty for those who
// register themselves.
func (h *handlers) newUser(ctx context.Context, body *gen.CreateUserDto, createdBy string) (*store.User, error) {
	name, err := auth.NormalizeName(body.UserName)
	if err != nil {
		return nil, err
	}
	email, key, err := auth.NewEmail(body.Email)
	if err != nil {
		return nil, err
	}
	hash, err := h.hasher.Hash(ctx, body.Password)
	if err != nil {
		return nil, err
	}
	now := h.now()
	u := &store.User{
		ID: store.NewID(now), Name: name, Email: email, EmailKey: key, PasswordHash: hash,
		CreatedBy: createdBy, CreatedAt: now, UpdatedAt: now,
	}
	return u, h.store.InsertUser(ctx, u)
}

// save applies the body to u and stores it if that made a difference.
func (h *handlers) save(ctx context.Context, u *store.User, body *gen.UpdateUserDto) error {
	before := *u
	if err := h.change(ctx, u, body); err != nil || *u == before {
		return err
	}
	u.UpdatedAt = h.now()
	return h.store.UpdateUser(ctx, u)
}

// change applies the body to u. A Stripe customer is told of it later, by the
// reconciler.
func (h *handlers) change(ctx context.Context, u *store.User, body *gen.UpdateUserDto) error {
	before := *u
	var err error
	if body.UserName != nil {
		if u.Name, err = auth.NormalizeName(*body.UserName); err != nil {
			return err
		}
	}
	if body.Email != nil {
		if u.Email, u.EmailKey, err = changedEmail(u, *body.Email); err != nil {
			return err
		}
	}
	if body.CustomerID != nil && *body.CustomerID != u.CustomerID {
		if err := h.mayAttach(ctx, u, *body.CustomerID); err != nil {
			return err
		}
		u.CustomerID = *body.CustomerID
	}
	if u.CustomerID != "" && (u.Name != before.Name || u.Email != before.Email || u.CustomerID != before.CustomerID) {
		u.SyncAt = h.now()
	}
	return nil
}

// changedEmail returns the email and key that a PATCH asks for. The user's present
// address is always accepted, also where a new one like it is not.
func changedEmail(u *store.User, raw string) (email, key string, err error) {
	email, key, err = auth.NormalizeEmail(raw)
	if err == nil && key != u.EmailKey {
		return auth.NewEmail(raw)
	}
	return email, key, err
}

// mayAttach is who may give a user another Stripe customer: an admin, if Stripe
// knows the customer and nobody else has it.
func (h *handlers) mayAttach(ctx context.Context, u *store.User, customerID string) error {
	if !caller(ctx).Admin {
		return errCustomerForbidden
	}
	return h.payments.CheckCustomer(ctx, u.ID, customerID)
}
