// Command journey is a customer's way through the API with the client that
// oapi-codegen generates.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"nest-payments.example/journey/client"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	api, err := signUp(ctx, os.Getenv("EMAIL"), os.Getenv("PASSWORD"))
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context, *client.ClientWithResponses, string) error{pay, list, leave} {
		if err := step(ctx, api, os.Getenv("CUID")); err != nil {
			return err
		}
	}
	return nil
}

// signUp returns a client that sends the new user's token. An answer has a field
// for each status, of which the one that arrived is not nil.
func signUp(ctx context.Context, email, password string) (*client.ClientWithResponses, error) {
	api, err := client.NewClientWithResponses(os.Getenv("URL"))
	if err != nil {
		return nil, err
	}
	user, err := api.UserControllerRegisterWithResponse(ctx, client.CreateUserDto{UserName: "Ada Lovelace", Email: email, Password: password})
	if err != nil || user.JSON201 == nil {
		return nil, failed("register", user, err)
	}
	fmt.Println("ok register")
	grant, err := api.UserControllerLoginWithResponse(ctx, client.LoginUserDto{Email: email, Password: password})
	if err != nil || grant.JSON201 == nil {
		return nil, failed("login", grant, err)
	}
	fmt.Println("ok login")
	return client.NewClientWithResponses(os.Getenv("URL"), client.WithRequestEditorFn(func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+grant.JSON201.AccessToken)
		return nil
	}))
}

// pay pays with a card without funds and then with a good one.
func pay(ctx context.Context, api *client.ClientWithResponses, cuid string) error {
	payment, err := api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: cuid})
	if err != nil || payment.JSON201 == nil {
		return failed("create", payment, err)
	}
	fmt.Println("ok create")
	// The same cuid is always the same payment: after a lost answer, send it again.
	again, err := api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: cuid})
	if err != nil || again.JSON201 == nil || again.JSON201.ID != payment.JSON201.ID {
		return failed("retry", again, err)
	}
	fmt.Println("ok retry")

	confirm := client.ConfirmPaymentDto{CUID: cuid, PaymentID: payment.JSON201.ID, PaymentMethodID: "pm_card_visa_chargeDeclinedInsufficientFunds"}
	declined, err := api.PaymentControllerConfirmPaymentWithResponse(ctx, confirm)
	if err != nil || declined.ApplicationProblemJSON402 == nil {
		return failed("decline", declined, err)
	}
	problem := declined.ApplicationProblemJSON402
	if problem.Status != 402 || problem.Code != "payment_declined" || problem.DeclineCode == nil || *problem.DeclineCode != "insufficient_funds" {
		return failed("decline", declined, nil)
	}
	fmt.Println("ok decline")
	confirm.PaymentMethodID = "pm_card_visa"
	paid, err := api.PaymentControllerConfirmPaymentWithResponse(ctx, confirm)
	if err != nil || paid.JSON201 == nil || paid.JSON201.Status != "succeeded" {
		return failed("success", paid, err)
	}
	fmt.Println("ok success")
	return nil
}

// list creates four more payments and follows the Link header, two payments a
// page.
func list(ctx context.Context, api *client.ClientWithResponses, cuid string) error {
	for n := 2; n <= 5; n++ {
		payment, err := api.PaymentControllerCreatePaymentWithResponse(ctx, client.CreatePaymentDto{CUID: fmt.Sprintf("%s-%d", cuid, n)})
		if err != nil || payment.JSON201 == nil {
			return failed("list", payment, err)
		}
	}
	limit, pages, ids := int32(2), 0, []string(nil)
	params := client.PaymentControllerGetPaymentsParams{Limit: &limit}
	for more := true; more; pages++ {
		page, err := api.PaymentControllerGetPaymentsWithResponse(ctx, &params)
		if err != nil || page.JSON200 == nil {
			return failed("list", page, err)
		}
		for _, p := range *page.JSON200 {
			ids = append(ids, p.ID)
		}
		if more = page.Headers200.Link != nil; more {
			next, err := url.Parse(strings.TrimSuffix(strings.TrimPrefix(*page.Headers200.Link, "<"), `>; rel="next"`))
			if err != nil {
				return err
			}
			cursor := next.Query().Get("cursor")
			params.Cursor = &cursor
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
func leave(ctx context.Context, api *client.ClientWithResponses, _ string) error {
	users, err := api.UserControllerFindAllWithResponse(ctx, nil)
	if err != nil || users.JSON200 == nil || len(*users.JSON200) != 1 {
		return failed("change", users, err)
	}
	id, name := (*users.JSON200)[0].UserID, "Ada King"
	user, err := api.UserControllerUpdateWithResponse(ctx, id, client.UpdateUserDto{UserName: &name})
	if err != nil || user.JSON200 == nil || user.JSON200.UserName != name {
		return failed("change", user, err)
	}
	fmt.Println("ok change")
	if removed, err := api.UserControllerRemoveWithResponse(ctx, id); err != nil || removed.JSON200 == nil {
		return failed("delete", removed, err)
	}
	gone, err := api.UserControllerFindOneWithResponse(ctx, id)
	if err != nil || gone.ApplicationProblemJSON401 == nil || gone.ApplicationProblemJSON401.Status != 401 {
		return failed("delete", gone, err)
	}
	fmt.Println("ok delete")
	return nil
}

// failed says what a step got instead.
func failed(step string, answer interface{ GetBody() []byte }, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", step, err)
	}
	return fmt.Errorf("%s: %s", step, answer.GetBody())
}
