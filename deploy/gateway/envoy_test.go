package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/gen/client"
)

// All of it in one system: to start one takes seconds.
func TestEnvoy(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	j := &journey{system: s}
	t.Run("the published flow passes", j.run)
	t.Run("every operation was routed to itself", s.everyOperation)
	t.Run("what is wrong with a token is found at the edge", s.badTokens)
	t.Run("what needs no token passes without", s.public)
	t.Run("what is not published stays hidden", s.hidden)
	t.Run("other methods are answered by the server", s.otherMethods)
	t.Run("the webhook's body is left as it is", s.webhook)
	t.Run("the address of a client is the client's", s.addresses)
	t.Run("a token of a user that is gone is found by the server", j.goneUser)
	// The server ends here.
	t.Run("a server that is gone is a problem to try again", s.outage)
}

// journey is what a client does, in order.
type journey struct {
	*system
	c      *client.ClientWithResponses
	bearer client.RequestEditorFn
	token  string
}

func (j *journey) run(t *testing.T) {
	ctx := t.Context()
	var err error
	if j.c, err = client.NewClientWithResponses(j.url); err != nil {
		t.Fatal(err)
	}
	registered, err := j.c.UserControllerRegisterWithResponse(ctx, client.CreateUserDto{UserName: "Ada", Email: "ada@example.com", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	if registered.JSON201 == nil {
		t.Fatalf("register: %d %s", registered.StatusCode(), registered.Body)
	}
	loggedIn, err := j.c.UserControllerLoginWithResponse(ctx, client.LoginUserDto{Email: "ada@example.com", Password: "correct horse"})
	if err != nil {
		t.Fatal(err)
	}
	if loggedIn.JSON201 == nil {
		t.Fatalf("log in: %d %s", loggedIn.StatusCode(), loggedIn.Body)
	}
	j.token = loggedIn.JSON201.AccessToken
	j.bearer = func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+j.token)
		return nil
	}
	t.Run("a retry is the same payment, and a decline tells why", j.pay)
	t.Run("a challenge that is passed comes by the webhook", j.challenge)
	t.Run("lists lead from page to page", j.pages)
	t.Run("a user is created, found, changed and deleted", j.users)
	t.Run("a changed password ends the other tokens", j.password)
}

func (j *journey) create(t *testing.T, cuid string) client.PaymentCreatedDto {
	t.Helper()
	created, err := j.c.PaymentControllerCreatePaymentWithResponse(t.Context(), client.CreatePaymentDto{CUID: cuid}, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if created.JSON201 == nil {
		t.Fatalf("create: %d %s", created.StatusCode(), created.Body)
	}
	return *created.JSON201
}

func (j *journey) confirm(t *testing.T, cuid, id, method string) *client.PaymentControllerConfirmPaymentResponse {
	t.Helper()
	r, err := j.c.PaymentControllerConfirmPaymentWithResponse(t.Context(),
		client.ConfirmPaymentDto{CUID: cuid, PaymentID: id, PaymentMethodID: method}, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (j *journey) pay(t *testing.T) {
	first, again := j.create(t, "c1"), j.create(t, "c1")
	if first != again {
		t.Errorf("a retry got %+v, want %+v", again.ID, first.ID)
	}
	declined := j.confirm(t, "c1", first.ID, "pm_card_visa_chargeDeclinedInsufficientFunds")
	if p := declined.ApplicationProblemJSON402; p == nil || p.DeclineCode == nil || *p.DeclineCode != "insufficient_funds" || p.Code != "payment_declined" {
		t.Errorf("a decline got %d %s", declined.StatusCode(), declined.Body)
	}
	if paid := j.confirm(t, "c1", first.ID, "pm_card_visa"); paid.JSON201 == nil || paid.JSON201.Status != "succeeded" {
		t.Errorf("a confirmation got %d %s", paid.StatusCode(), paid.Body)
	}
}

// The reconciler sleeps: only the webhook, which the sandbox sends to Envoy, can tell
// the server.
func (j *journey) challenge(t *testing.T) {
	created := j.create(t, "c2")
	if r := j.confirm(t, "c2", created.ID, "pm_card_threeDSecure2Required"); r.JSON201 == nil || r.JSON201.Status != "requires_action" {
		t.Fatalf("a confirmation got %d %s", r.StatusCode(), r.Body)
	}
	res, err := http.Post(j.sandbox+"/_sandbox/payment_intents/"+created.ID+"/challenge", "application/json", strings.NewReader(`{"outcome":"pass"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	eventually(t, "the payment succeeds", func() bool {
		r, err := j.c.PaymentControllerGetPaymentWithResponse(t.Context(), created.ID, j.bearer)
		return err == nil && r.JSON200 != nil && r.JSON200.Status == "succeeded"
	})
	j.log.await(t, "a webhook that was taken", func(r logged) bool { return r.Route == "/webhook/stripe" && r.Status == http.StatusNoContent })
}

func (j *journey) pages(t *testing.T) {
	j.create(t, "c3")
	var ids []string
	for path := "/payment?limit=1"; path != ""; {
		a := j.send(t, "", "GET", path, "", "Authorization", "Bearer "+j.token)
		var page []client.ReturnPaymentDto
		if err := json.Unmarshal(a.body, &page); err != nil || len(page) != 1 {
			t.Fatalf("GET %s: %d %s", path, a.status, a.body)
		}
		ids = append(ids, page[0].ID)
		path = next(t, a.header.Get("Link"))
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 3 {
		t.Errorf("the pages have %d payments, want 3", len(ids))
	}
}

// next is the path of the next page, "" after the last. It must be one at Envoy.
func next(t *testing.T, link string) string {
	t.Helper()
	if link == "" {
		return ""
	}
	path, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !ok || !strings.HasPrefix(path, "payment?") {
		t.Fatalf("the link is %q, want one relative to /payment", link)
	}
	return "/" + path
}

func (j *journey) users(t *testing.T) {
	ctx := t.Context()
	created, err := j.c.UserControllerCreateWithResponse(ctx, client.CreateUserDto{UserName: "Alan", Email: "alan@example.com", Password: "correct horse"}, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if created.JSON201 == nil {
		t.Fatalf("create: %d %s", created.StatusCode(), created.Body)
	}
	id := created.JSON201.UserID
	location := "/" + created.HTTPResponse.Header.Get("Location") // relative to /user
	if a := j.send(t, "", "GET", location, "", "Authorization", "Bearer "+j.token); a.status != http.StatusOK {
		t.Errorf("GET %s, the Location: %d %s", location, a.status, a.body)
	}
	name := "Alan Turing"
	changed, err := j.c.UserControllerUpdateWithResponse(ctx, id, client.UpdateUserDto{UserName: &name}, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if changed.JSON200 == nil || changed.JSON200.UserName != name {
		t.Errorf("change: %d %s", changed.StatusCode(), changed.Body)
	}
	list, err := j.c.UserControllerFindAllWithResponse(ctx, nil, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if list.JSON200 == nil || len(*list.JSON200) != 2 {
		t.Errorf("list: %d %s", list.StatusCode(), list.Body)
	}
	removed, err := j.c.UserControllerRemoveWithResponse(ctx, id, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if removed.JSON200 == nil {
		t.Errorf("delete: %d %s", removed.StatusCode(), removed.Body)
	}
	if a := j.send(t, "", "GET", location, "", "Authorization", "Bearer "+j.token); a.status != http.StatusNotFound || a.problem(t).Code != "user_not_found" {
		t.Errorf("after the deletion: %d %s, want the server's 404", a.status, a.body)
	}
}

// password: the edge lets a token pass until it expires, and the server refuses it.
func (j *journey) password(t *testing.T) {
	before := j.token
	changed, err := j.c.UserControllerChangePasswordWithResponse(t.Context(),
		client.ChangePasswordDto{CurrentPassword: "correct horse", NewPassword: "a better password"}, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if changed.JSON201 == nil {
		t.Fatalf("change the password: %d %s", changed.StatusCode(), changed.Body)
	}
	j.token = changed.JSON201.AccessToken
	if a := j.send(t, "", "GET", "/user", "", "Authorization", "Bearer "+before); a.status != http.StatusUnauthorized || a.problem(t).Code != "token_invalid" {
		t.Errorf("the token from before: %d %s, want the server's 401", a.status, a.body)
	}
	if a := j.send(t, "", "GET", "/user", "", "Authorization", "Bearer "+j.token); a.status != http.StatusOK {
		t.Errorf("the new token: %d %s", a.status, a.body)
	}
}

// goneUser: the edge cannot know who has been deleted.
func (j *journey) goneUser(t *testing.T) {
	r, err := j.c.UserControllerFindAllWithResponse(t.Context(), nil, j.bearer)
	if err != nil {
		t.Fatal(err)
	}
	if r.JSON200 == nil {
		t.Fatalf("list: %d %s", r.StatusCode(), r.Body)
	}
	for _, u := range *r.JSON200 {
		if _, err := j.c.UserControllerRemoveWithResponse(t.Context(), u.UserID, j.bearer); err != nil {
			t.Fatal(err)
		}
	}
	a := j.send(t, "", "GET", "/user", "", "Authorization", "Bearer "+j.token)
	if a.status != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", a.status)
	}
	j.log.await(t, "the request", func(r logged) bool { return r.RequestID == a.requestID() && r.Status == http.StatusUnauthorized })
}

func (s *system) everyOperation(t *testing.T) {
	for _, o := range operations(t) {
		want := strings.NewReplacer("{", ":", "}", "").Replace(o.path)
		s.log.await(t, o.id, func(r logged) bool { return r.Method == o.method && r.Route == want && r.Status < 300 })
	}
}
