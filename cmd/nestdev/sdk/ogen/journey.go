// Command journey is a customer's way through the API with the client that ogen
// generates.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"nest-payments.example/journey/api"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	tokens := &tokens{}
	client, err := api.NewClient(os.Getenv("URL"), tokens)
	if err != nil {
		return err
	}
	if tokens.current, err = signUp(ctx, client, os.Getenv("EMAIL"), os.Getenv("PASSWORD")); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *api.Client, string) error{pay, list, leave} {
		if err := step(ctx, client, os.Getenv("CUID")); err != nil {
			return err
		}
	}
	return nil
}

// tokens hands the client its access token, request by request.
type tokens struct{ current string }

func (t *tokens) Bearer(context.Context, api.OperationName) (api.Bearer, error) {
	return api.Bearer{Token: t.current}, nil
}

// as takes an answer for the type that belongs to the expected status.
func as[T any](answer any, err error) (T, error) {
	got, ok := answer.(T)
	if err == nil && !ok {
		err = fmt.Errorf("got %+v, want a %T", answer, got)
	}
	return got, err
}

// signUp returns the token of a new user.
func signUp(ctx context.Context, client *api.Client, email, password string) (token string, err error) {
	if _, err := as[*api.AuthGrantDtoHeaders](client.UserControllerRegister(ctx, &api.CreateUserDto{UserName: "Ada Lovelace", Email: email, Password: password})); err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	fmt.Println("ok register")
	grant, err := as[*api.AuthGrantDtoHeaders](client.UserControllerLogin(ctx, &api.LoginUserDto{Email: email, Password: password}))
	if err != nil {
		return "", fmt.Errorf("login: %w", err)
	}
	fmt.Println("ok login")
	return grant.Response.AccessToken, nil
}

// pay pays with a card without funds and then with a good one.
func pay(ctx context.Context, client *api.Client, cuid string) error {
	payment, err := as[*api.PaymentCreatedDtoHeaders](client.PaymentControllerCreatePayment(ctx, &api.CreatePaymentDto{Cuid: cuid}))
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	fmt.Println("ok create")
	// The same cuid is always the same payment: after a lost answer, send it again.
	again, err := as[*api.PaymentCreatedDtoHeaders](client.PaymentControllerCreatePayment(ctx, &api.CreatePaymentDto{Cuid: cuid}))
	if err != nil || again.Response.ID != payment.Response.ID {
		return fmt.Errorf("retry: got %+v, %v", again, err)
	}
	fmt.Println("ok retry")

	confirm := api.ConfirmPaymentDto{Cuid: cuid, PaymentId: payment.Response.ID, PaymentMethodId: "pm_card_visa_chargeDeclinedInsufficientFunds"}
	declined, err := as[*api.PaymentRequiredHeaders](client.PaymentControllerConfirmPayment(ctx, &confirm))
	if err != nil {
		return fmt.Errorf("decline: %w", err)
	}
	if p := declined.Response; p.Status != 402 || p.Code != "payment_declined" || p.DeclineCode.Value != "insufficient_funds" {
		return fmt.Errorf("decline: %+v", p)
	}
	fmt.Println("ok decline")
	confirm.PaymentMethodId = "pm_card_visa"
	paid, err := as[*api.ReturnPaymentDtoHeaders](client.PaymentControllerConfirmPayment(ctx, &confirm))
	if err != nil || paid.Response.Status != "succeeded" {
		return fmt.Errorf("success: got %+v, %v", paid, err)
	}
	fmt.Println("ok success")
	return nil
}

// list creates four more payments and follows the Link header, two payments a
// page.
func list(ctx context.Context, client *api.Client, cuid string) error {
	for n := 2; n <= 5; n++ {
		if _, err := as[*api.PaymentCreatedDtoHeaders](client.PaymentControllerCreatePayment(ctx, &api.CreatePaymentDto{Cuid: fmt.Sprintf("%s-%d", cuid, n)})); err != nil {
			return fmt.Errorf("list: %w", err)
		}
	}
	pages, ids := 0, []string(nil)
	params := api.PaymentControllerGetPaymentsParams{Limit: api.NewOptInt32(2)}
	for more := true; more; pages++ {
		page, err := as[*api.ReturnPaymentDtoListHeaders](client.PaymentControllerGetPayments(ctx, params))
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		for _, p := range page.Response {
			ids = append(ids, p.ID)
		}
		if more = page.Link.Set; more {
			next, err := url.Parse(strings.TrimSuffix(strings.TrimPrefix(page.Link.Value, "<"), `>; rel="next"`))
			if err != nil {
				return fmt.Errorf("list: %w", err)
			}
			params.Cursor = api.NewOptString(next.Query().Get("cursor"))
		}
	}
	slices.Sort(ids)
	if len(ids) != 5 || len(slices.Compact(ids)) != 5 || pages != 3 {
		return fmt.Errorf("list: %d payments on %d pages: %v", len(ids), pages, ids)
	}
	fmt.Println("ok list")
	return nil
}

// leave changes the user's name and deletes the user, whose token dies at once.
func leave(ctx context.Context, client *api.Client, _ string) error {
	users, err := as[*api.ReturnUserDtoListHeaders](client.UserControllerFindAll(ctx, api.UserControllerFindAllParams{}))
	if err != nil || len(users.Response) != 1 {
		return fmt.Errorf("change: got %+v, %v", users, err)
	}
	id := users.Response[0].UserId
	user, err := as[*api.UserControllerFindOneOKHeaders](client.UserControllerUpdate(ctx, &api.UpdateUserDto{UserName: api.NewOptString("Ada King")}, api.UserControllerUpdateParams{ID: id}))
	if err != nil || user.Response.UserName != "Ada King" {
		return fmt.Errorf("change: got %+v, %v", user, err)
	}
	fmt.Println("ok change")
	if _, err := as[*api.UserControllerFindOneOKHeaders](client.UserControllerRemove(ctx, api.UserControllerRemoveParams{ID: id})); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	gone, err := as[*api.UnauthorizedHeaders](client.UserControllerFindOne(ctx, api.UserControllerFindOneParams{ID: id}))
	if err != nil || gone.Response.Status != 401 {
		return fmt.Errorf("delete: got %+v, %v", gone, err)
	}
	fmt.Println("ok delete")
	return nil
}
