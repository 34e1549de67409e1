// Command journey is a customer's way through the API with the client that
// openapi-generator generates.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"nest-payments.example/journey/nestpayments"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	config := nestpayments.NewConfiguration()
	config.Servers = nestpayments.ServerConfigurations{{URL: os.Getenv("URL")}}
	api := nestpayments.NewAPIClient(config)
	token, err := signUp(ctx, api, os.Getenv("EMAIL"), os.Getenv("PASSWORD"))
	if err != nil {
		return err
	}
	ctx = context.WithValue(ctx, nestpayments.ContextAccessToken, token)
	for _, step := range []func(context.Context, *nestpayments.APIClient, string) error{pay, list, leave} {
		if err := step(ctx, api, os.Getenv("CUID")); err != nil {
			return err
		}
	}
	return nil
}

// problem returns the problem that the API has answered, if err is one.
func problem(err error) (nestpayments.Problem, bool) {
	var e *nestpayments.GenericOpenAPIError
	if !errors.As(err, &e) {
		return nestpayments.Problem{}, false
	}
	p, ok := e.Model().(nestpayments.Problem)
	return p, ok
}

// signUp returns the token of a new user.
func signUp(ctx context.Context, api *nestpayments.APIClient, email, password string) (token string, err error) {
	user := nestpayments.NewCreateUserDto("Ada Lovelace", email, password)
	if _, _, err := api.UserAPI.Register(ctx).CreateUserDto(*user).Execute(); err != nil {
		return "", fmt.Errorf("register: %w", err)
	}
	fmt.Println("ok register")
	grant, _, err := api.UserAPI.Login(ctx).LoginUserDto(*nestpayments.NewLoginUserDto(email, password)).Execute()
	if err != nil {
		return "", fmt.Errorf("login: %w", err)
	}
	fmt.Println("ok login")
	return grant.AccessToken, nil
}

// pay pays with a card without funds and then with a good one.
func pay(ctx context.Context, api *nestpayments.APIClient, cuid string) error {
	create := api.PaymentAPI.CreatePayment(ctx).CreatePaymentDto(*nestpayments.NewCreatePaymentDto(cuid))
	payment, _, err := create.Execute()
	if err != nil {
		return fmt.Errorf("create: %w", err)
	}
	fmt.Println("ok create")
	// The same cuid is always the same payment: after a lost answer, send it again.
	again, _, err := create.Execute()
	if err != nil {
		return fmt.Errorf("retry: %w", err)
	}
	if again.Id != payment.Id {
		return fmt.Errorf("retry: payment %s, want %s", again.Id, payment.Id)
	}
	fmt.Println("ok retry")

	confirm := nestpayments.NewConfirmPaymentDto(cuid, payment.Id, "pm_card_visa_chargeDeclinedInsufficientFunds")
	_, _, err = api.PaymentAPI.ConfirmPayment(ctx).ConfirmPaymentDto(*confirm).Execute()
	if p, ok := problem(err); !ok || p.Status != 402 || p.Code != "payment_declined" || p.GetDeclineCode() != "insufficient_funds" {
		return fmt.Errorf("decline: %v, %+v", err, p)
	}
	fmt.Println("ok decline")
	confirm.PaymentMethodId = "pm_card_visa"
	paid, _, err := api.PaymentAPI.ConfirmPayment(ctx).ConfirmPaymentDto(*confirm).Execute()
	if err != nil {
		return fmt.Errorf("success: %w", err)
	}
	if paid.Status != "succeeded" {
		return fmt.Errorf("success: status %s", paid.Status)
	}
	fmt.Println("ok success")
	return nil
}

// list creates four more payments and follows the Link header, two payments a
// page.
func list(ctx context.Context, api *nestpayments.APIClient, cuid string) error {
	for n := 2; n <= 5; n++ {
		payment := nestpayments.NewCreatePaymentDto(fmt.Sprintf("%s-%d", cuid, n))
		if _, _, err := api.PaymentAPI.CreatePayment(ctx).CreatePaymentDto(*payment).Execute(); err != nil {
			return fmt.Errorf("list: %w", err)
		}
	}
	pages, ids := 0, []string(nil)
	request := api.PaymentAPI.GetPayments(ctx).Limit(2)
	for more := true; more; pages++ {
		page, answer, err := request.Execute()
		if err != nil {
			return fmt.Errorf("list: %w", err)
		}
		for _, p := range page {
			ids = append(ids, p.Id)
		}
		link := answer.Header.Get("Link")
		if more = link != ""; more {
			next, err := url.Parse(strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`))
			if err != nil {
				return fmt.Errorf("list: %w", err)
			}
			request = request.Cursor(next.Query().Get("cursor"))
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
func leave(ctx context.Context, api *nestpayments.APIClient, _ string) error {
	users, _, err := api.UserAPI.FindAll(ctx).Execute()
	if err != nil || len(users) != 1 {
		return fmt.Errorf("change: %d users, %v", len(users), err)
	}
	id, change := users[0].UserId, nestpayments.NewUpdateUserDto()
	change.SetUserName("Ada King")
	user, _, err := api.UserAPI.Update(ctx, id).UpdateUserDto(*change).Execute()
	if err != nil || user.UserName != "Ada King" {
		return fmt.Errorf("change: %+v, %v", user, err)
	}
	fmt.Println("ok change")
	if _, _, err := api.UserAPI.Remove(ctx, id).Execute(); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	_, _, err = api.UserAPI.FindOne(ctx, id).Execute()
	if p, ok := problem(err); !ok || p.Status != 401 {
		return fmt.Errorf("delete: %v, %+v", err, p)
	}
	fmt.Println("ok delete")
	return nil
}
