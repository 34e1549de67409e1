package main

import (
	"context"
	"net/http"

	"github.com/nestpayments/nestpayments/gen/client"
)

// The operations, by their id in openapi.yaml, as in the server's own metrics.
const (
	opRegister = "UserController_register"
	opLogin    = "UserController_login"
	opUsers    = "UserController_findAll"
	opUser     = "UserController_findOne"
	opUpdate   = "UserController_update"
	opRemove   = "UserController_remove"
	opCreate   = "PaymentController_createPayment"
	opConfirm  = "PaymentController_confirmPayment"
	opPayment  = "PaymentController_getPayment"
	opPayments = "PaymentController_getPayments"
)

// as sends a person's token.
func as(p *person) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+p.token)
		return nil
	}
}

func (v *visit) register(ctx context.Context, p *person) error {
	r, err := send(ctx, v, opRegister, http.StatusCreated,
		func(ctx context.Context) (*client.UserControllerRegisterResponse, error) {
			return v.api.UserControllerRegisterWithResponse(ctx, client.CreateUserDto{UserName: p.name, Email: p.email, Password: p.password})
		},
		func(r *client.UserControllerRegisterResponse) string { return grantFault(r.JSON201) })
	if err == nil {
		p.token = r.JSON201.AccessToken
	}
	return err
}

func (v *visit) login(ctx context.Context, p *person) error {
	r, err := send(ctx, v, opLogin, http.StatusCreated,
		func(ctx context.Context) (*client.UserControllerLoginResponse, error) {
			return v.api.UserControllerLoginWithResponse(ctx, client.LoginUserDto{Email: p.email, Password: p.password})
		},
		func(r *client.UserControllerLoginResponse) string { return grantFault(r.JSON201) })
	if err == nil {
		p.token = r.JSON201.AccessToken
	}
	return err
}

func grantFault(g *client.AuthGrantDto) string {
	if g == nil || g.AccessToken == "" {
		return "no access token"
	}
	return ""
}

// identify learns a person's id from the list of users, where a person who has
// created no others is alone.
func (v *visit) identify(ctx context.Context, p *person) error {
	r, err := send(ctx, v, opUsers, http.StatusOK,
		func(ctx context.Context) (*client.UserControllerFindAllResponse, error) {
			return v.api.UserControllerFindAllWithResponse(ctx, nil, as(p))
		},
		func(r *client.UserControllerFindAllResponse) string {
			if r.JSON200 == nil || len(*r.JSON200) != 1 {
				return "not a list of the caller alone"
			}
			return userFault(&(*r.JSON200)[0], &person{id: (*r.JSON200)[0].UserID, name: p.name, email: p.email})
		})
	if err == nil {
		p.id = (*r.JSON200)[0].UserID
	}
	return err
}

func (v *visit) readUser(ctx context.Context, p *person) error {
	_, err := send(ctx, v, opUser, http.StatusOK,
		func(ctx context.Context) (*client.UserControllerFindOneResponse, error) {
			return v.api.UserControllerFindOneWithResponse(ctx, p.id, as(p))
		},
		func(r *client.UserControllerFindOneResponse) string { return userFault(r.JSON200, p) })
	return err
}

// readGone reads a person who was deleted, whose token must no longer work.
func (v *visit) readGone(ctx context.Context, p *person) error {
	_, err := send(ctx, v, opUser, http.StatusUnauthorized,
		func(ctx context.Context) (*client.UserControllerFindOneResponse, error) {
			return v.api.UserControllerFindOneWithResponse(ctx, p.id, as(p))
		},
		func(r *client.UserControllerFindOneResponse) string {
			if r.ApplicationProblemJSON401 == nil || r.ApplicationProblemJSON401.Code != "token_invalid" {
				return "not the problem token_invalid"
			}
			return ""
		})
	return err
}

func (v *visit) rename(ctx context.Context, p *person, name string) error {
	p.name = name
	_, err := send(ctx, v, opUpdate, http.StatusOK,
		func(ctx context.Context) (*client.UserControllerUpdateResponse, error) {
			return v.api.UserControllerUpdateWithResponse(ctx, p.id, client.UpdateUserDto{UserName: &name}, as(p))
		},
		func(r *client.UserControllerUpdateResponse) string { return userFault(r.JSON200, p) })
	return err
}

func (v *visit) remove(ctx context.Context, p *person) error {
	_, err := send(ctx, v, opRemove, http.StatusOK,
		func(ctx context.Context) (*client.UserControllerRemoveResponse, error) {
			return v.api.UserControllerRemoveWithResponse(ctx, p.id, as(p))
		},
		func(r *client.UserControllerRemoveResponse) string { return userFault(r.JSON200, p) })
	return err
}

func userFault(u *client.ReturnUserDto, want *person) string {
	switch {
	case u == nil:
		return "no user"
	case u.UserID == "" || u.UserID != want.id:
		return "another user"
	case u.UserName != want.name:
		return "not the user's name"
	case u.Email != want.email:
		return "not the user's email address"
	}
	return ""
}
