package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nestpayments/nestpayments/gen"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// UserControllerCreate creates a user that the caller may manage until the user
// makes the account their own.
func (h *handlers) UserControllerCreate(ctx context.Context, r gen.UserControllerCreateRequestObject) (gen.UserControllerCreateResponseObject, error) {
	u, err := draftUser(r.Body)
	if err != nil {
		return nil, err
	}
	if err := h.throttle.ClaimEmail(ctx, eventOf(ctx).from, caller(ctx)); err != nil {
		return nil, err
	}
	if err := h.insert(ctx, u, r.Body.Password, caller(ctx)); err != nil {
		return nil, err
	}
	location := "user/" + u.ID // relative, as in page
	return gen.UserControllerCreate201JSONResponse{
		Body:    userDTO(u),
		Headers: gen.UserControllerCreate201ResponseHeaders{Location: &location},
	}, nil
}

// UserControllerFindAll lists the users that the caller may manage, by id.
func (h *handlers) UserControllerFindAll(ctx context.Context, r gen.UserControllerFindAllRequestObject) (gen.UserControllerFindAllResponseObject, error) {
	who, limit := caller(ctx), limitOf(r.Params.Limit)
	list, err := h.store.ListUsers(ctx, store.UserQuery{
		VisibleTo: visibleTo(who), After: cursorOf(r.Params.Cursor), Limit: limit + 1,
	})
	if err != nil {
		return nil, err
	}
	list, next := page("user", list, limit, func(u *store.User) string { return u.ID })
	list = slices.DeleteFunc(list, func(u *store.User) bool { return !mayManage(who, u) })
	return gen.UserControllerFindAll200JSONResponse{
		Body:    userDTOs(list),
		Headers: gen.UserControllerFindAll200ResponseHeaders{Link: next},
	}, nil
}

// UserControllerFindOne reads a user that the caller may manage.
func (h *handlers) UserControllerFindOne(ctx context.Context, r gen.UserControllerFindOneRequestObject) (gen.UserControllerFindOneResponseObject, error) {
	u, err := h.findManaged(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return gen.UserControllerFindOne200JSONResponse(userDTO(u)), nil
}

// UserControllerUpdate changes what the body names.
func (h *handlers) UserControllerUpdate(ctx context.Context, r gen.UserControllerUpdateRequestObject) (gen.UserControllerUpdateResponseObject, error) {
	u, err := h.findManaged(ctx, r.ID)
	if err == nil {
		err = h.claimEmail(ctx, u, r.Body.Email)
	}
	if err != nil {
		return nil, err
	}
	u, err = h.write(ctx, u, func(u *store.User) error { return h.save(ctx, u, r.Body) })
	if err != nil {
		return nil, err
	}
	return gen.UserControllerUpdate200JSONResponse(userDTO(u)), nil
}

// UserControllerRemove deletes a user that the caller may manage. Payments stay.
func (h *handlers) UserControllerRemove(ctx context.Context, r gen.UserControllerRemoveRequestObject) (gen.UserControllerRemoveResponseObject, error) {
	u, err := h.findManaged(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	u, err = h.write(ctx, u, func(u *store.User) error { return h.store.DeleteUser(ctx, u) })
	if err != nil {
		return nil, err
	}
	return gen.UserControllerRemove200JSONResponse(userDTO(u)), nil
}

// findManaged returns a user that the caller may manage. Other users are
// errUserNotFound, like those that do not exist.
func (h *handlers) findManaged(ctx context.Context, id string) (*store.User, error) {
	if who := caller(ctx); id == who.ID {
		return who, nil // admit read it for this request
	}
	return h.refetchManaged(ctx, id)
}

// refetchManaged reads the user again, even if it is the caller, and checks that the
// caller may manage it. Errors: errUserNotFound, and auth.ErrTokenInvalid if the caller's
// session has ended.
func (h *handlers) refetchManaged(ctx context.Context, id string) (*store.User, error) {
	who := caller(ctx)
	u, err := h.store.User(ctx, id)
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, err
	case err != nil || !mayManage(who, u):
		return nil, errUserNotFound
	case u.ID == who.ID && u.Session != who.Session:
		return nil, auth.ErrTokenInvalid
	}
	return u, nil
}

// write runs a conditional write of u. If another write came first, it reads u
// again, checks again that the caller may manage it, and repeats. It returns the
// version that was written.
func (h *handlers) write(ctx context.Context, u *store.User, conditional func(*store.User) error) (*store.User, error) {
	const most = 5
	for range most {
		err := conditional(u)
		if !errors.Is(err, store.ErrStale) {
			return u, err
		}
		if u, err = h.refetchManaged(ctx, u.ID); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("write user: lost %d races: %w", most, store.ErrStale)
}

// claimEmail counts a change of the email address, because the response reveals
// whether another user has it.
func (h *handlers) claimEmail(ctx context.Context, u *store.User, email *string) error {
	if email == nil {
		return nil
	}
	_, key, err := auth.NormalizeEmail(*email)
	if err != nil || key == u.EmailKey {
		return err
	}
	return h.throttle.ClaimEmail(ctx, eventOf(ctx).from, caller(ctx))
}

// draftUser returns the user that the body describes, before it is stored. An
// *auth.InputError for a name, email or password that cannot be used.
func draftUser(body *gen.CreateUserDto) (*store.User, error) {
	name, err := auth.NormalizeName(body.UserName)
	if err != nil {
		return nil, err
	}
	email, key, err := auth.NewEmail(body.Email)
	if err != nil {
		return nil, err
	}
	if err := auth.CheckPassword(auth.FieldPassword, body.Password); err != nil {
		return nil, err
	}
	return &store.User{Name: name, Email: email, EmailKey: key}, nil
}

// insert stores a drafted user with the hash of the password. creator is nil for
// those who register themselves.
func (h *handlers) insert(ctx context.Context, u *store.User, password string, creator *store.User) error {
	hash, err := h.hasher.For(eventOf(ctx).from).Hash(ctx, password)
	if err != nil {
		return err
	}
	now := h.now()
	u.ID, u.PasswordHash, u.CreatedAt, u.UpdatedAt = store.NewID(now), hash, now, now
	if creator != nil {
		u.CreatedBy, u.PasswordSetBy, u.RootCreator = creator.ID, creator.ID, auth.Root(creator)
	}
	return h.store.InsertUser(ctx, u)
}

// save applies the body to u, and stores u if it has changed.
func (h *handlers) save(ctx context.Context, u *store.User, body *gen.UpdateUserDto) error {
	before := *u
	if err := h.change(ctx, u, body); err != nil || *u == before {
		return err
	}
	u.UpdatedAt = h.now()
	return h.store.UpdateUser(ctx, u)
}

// change applies the body to u. The reconciler updates the Stripe customer later.
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
	if u.EmailKey != before.EmailKey && u.ID == caller(ctx).ID {
		u.Release()
	}
	if u.CustomerID != "" && (u.Name != before.Name || u.Email != before.Email || u.CustomerID != before.CustomerID) {
		u.SyncAt = h.now()
	}
	return nil
}

// changedEmail returns the email and key that a PATCH asks for. The current address is
// always accepted, even if a new one like it would not be.
func changedEmail(u *store.User, raw string) (email, key string, err error) {
	email, key, err = auth.NormalizeEmail(raw)
	if err == nil && key != u.EmailKey {
		return auth.NewEmail(raw)
	}
	return email, key, err
}

// mayAttach returns an error unless the caller is an admin, Stripe has the customer, and
// no other user has it.
func (h *handlers) mayAttach(ctx context.Context, u *store.User, customerID string) error {
	if !caller(ctx).Admin {
		return errCustomerForbidden
	}
	return h.payments.CheckCustomer(ctx, u.ID, customerID)
}
