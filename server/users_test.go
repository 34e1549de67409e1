package server_test

import (
	"fmt"
	"strings"
	"testing"
)

func TestRegisterAndLogIn(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	a.post("/user/register", "", object{"userName": " Alan Turing ", "email": "ATuring@Gmail.com", "password": "password"}).want(t, 201)
	token := a.post("/user/login", "", object{"email": "aturing@gmail.com", "password": "password"}).want(t, 201).text(t, "access_token")

	me := a.get("/user", token).list(t)
	if len(me) != 1 {
		t.Fatalf("a new user sees %d users, want 1", len(me))
	}
	if got := me[0]["userName"]; got != "Alan Turing" {
		t.Errorf("userName is %q, want it without the space around it", got)
	}
	if got := me[0]["email"]; got != "ATuring@Gmail.com" {
		t.Errorf("email is %q, want it as it was written", got)
	}
	if _, has := me[0]["customerId"]; has {
		t.Error("a user without payments has a customerId")
	}
}

func TestEmailIsUniqueInAnyLetterCase(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, email := range []string{me.email, strings.ToUpper(me.email), " " + me.email + " "} {
		body := object{"userName": "Somebody", "email": email, "password": password}
		a.post("/user/register", "", body).problem(t, 409, "email_taken")
		a.post("/user", me.token, body).problem(t, 409, "email_taken")
	}
	other := a.register()
	a.send(request{method: "PATCH", path: "/user/" + other.id, token: other.token, body: object{"email": strings.ToUpper(me.email)}}).
		problem(t, 409, "email_taken")
}

func TestLoginTellsNothing(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	wrong := a.post("/user/login", "", object{"email": me.email, "password": "not my password"}).problem(t, 401, "invalid_credentials")
	unknown := a.post("/user/login", "", object{"email": "nobody@example.com", "password": "not my password"}).problem(t, 401, "invalid_credentials")
	delete(wrong, "instance")
	delete(unknown, "instance")
	if fmt.Sprint(wrong) != fmt.Sprint(unknown) {
		t.Errorf("a wrong password and an unknown email differ:\n%v\n%v", wrong, unknown)
	}
}

func TestWhoMayManageAUser(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	creator, stranger, admin := a.register(), a.register(), a.admin()
	created := a.post("/user", creator.token, object{"userName": "Grace Hopper", "email": "grace@example.com", "password": password}).want(t, 201)
	id := created.text(t, "userId")
	if got := created.header.Get("Location"); got != "user/"+id {
		t.Errorf("Location is %q, want user/%s", got, id)
	}
	self := a.post("/user/login", "", object{"email": "grace@example.com", "password": password}).want(t, 201).text(t, "access_token")

	for _, who := range []struct {
		name, token string
		may         bool
	}{
		{"the user", self, true}, {"who created the user", creator.token, true}, {"an admin", admin.token, true},
		{"a stranger", stranger.token, false},
	} {
		read := a.get("/user/"+id, who.token)
		patched := a.send(request{method: "PATCH", path: "/user/" + id, token: who.token, body: object{"userName": "Rear Admiral Hopper"}})
		listed := false
		for _, u := range a.get("/user", who.token).list(t) {
			listed = listed || u["userId"] == id
		}
		if who.may {
			read.want(t, 200)
			if got := patched.want(t, 200).text(t, "userName"); got != "Rear Admiral Hopper" {
				t.Errorf("%s changes the name and gets %q back", who.name, got)
			}
		} else {
			read.problem(t, 404, "user_not_found")
			patched.problem(t, 404, "user_not_found")
			a.send(request{method: "DELETE", path: "/user/" + id, token: who.token}).problem(t, 404, "user_not_found")
		}
		if listed != who.may {
			t.Errorf("%s sees the user in the list: %t, want %t", who.name, listed, who.may)
		}
	}
	a.send(request{method: "DELETE", path: "/user/" + id, token: creator.token}).want(t, 200)
	a.get("/user/"+id, creator.token).problem(t, 404, "user_not_found")
}

func TestDeletedUserIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	if got := a.send(request{method: "DELETE", path: "/user/" + me.id, token: me.token}).want(t, 200).text(t, "userId"); got != me.id {
		t.Errorf("the answer names %q, want the user that was deleted", got)
	}
	a.get("/user", me.token).problem(t, 401, "token_invalid")
	a.post("/user/login", "", object{"email": me.email, "password": password}).problem(t, 401, "invalid_credentials")
	a.post("/user/register", "", object{"userName": "Again", "email": me.email, "password": password}).want(t, 201)
}

func TestPatchChangesWhatItNames(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	patch := func(body object) object {
		return a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: body}).want(t, 200).object(t)
	}
	if got := patch(object{}); got["userName"] != "Somebody" || got["email"] != me.email {
		t.Errorf("an empty PATCH changed the user: %v", got)
	}
	if got := patch(object{"userName": "New Name"}); got["userName"] != "New Name" || got["email"] != me.email {
		t.Errorf("a PATCH of the name gave %v", got)
	}
	patch(object{"email": "new-" + me.email})
	a.post("/user/login", "", object{"email": me.email, "password": password}).problem(t, 401, "invalid_credentials")
	a.post("/user/login", "", object{"email": "new-" + me.email, "password": password}).want(t, 201)
}

func TestUsersAreListedPageByPage(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	want := map[any]bool{me.id: true}
	for i := range 6 {
		body := object{"userName": "Made", "email": fmt.Sprintf("made%d@example.com", i), "password": password}
		want[a.post("/user", me.token, body).want(t, 201).text(t, "userId")] = true
	}
	a.register() // a stranger, who must not show up
	got := map[any]bool{}
	pages := 0
	for path := "/user?limit=3"; path != ""; pages++ {
		page := a.get(path, me.token)
		for _, u := range page.list(t) {
			got[u["userId"]] = true
		}
		path = nextPage(t, page)
	}
	if pages != 3 || len(got) != len(want) {
		t.Errorf("saw %d users on %d pages, want %d on 3", len(got), pages, len(want))
	}
	for id := range want {
		if !got[id] {
			t.Errorf("user %s is on no page", id)
		}
	}
}

// nextPage returns the path where the Link header of a list leads, "" on the last
// page.
func nextPage(t testing.TB, g answer) string {
	t.Helper()
	link := g.header.Get("Link")
	if link == "" {
		return ""
	}
	path, ok := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !ok {
		t.Fatalf("Link is %q", link)
	}
	return "/" + path
}

func TestNamesThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	me := a.register()
	for _, name := range []string{"line\nbreak", "right\u202eleft", "\u200b"} {
		body := object{"userName": name, "email": "named@example.com", "password": password}
		for _, got := range []answer{
			a.post("/user/register", "", body), a.post("/user", me.token, body),
			a.send(request{method: "PATCH", path: "/user/" + me.id, token: me.token, body: object{"userName": name}}),
		} {
			p := got.problem(t, 422, "invalid_name")
			if at := p["errors"].([]any)[0].(object)["pointer"]; at != "#/userName" {
				t.Errorf("%q: the problem points to %v", name, at)
			}
		}
	}
}

// customerId belongs to whoever pays with it: only an admin may move it, and
// only to one that is there and free.
func TestCustomerIDIsGuarded(t *testing.T) {
	t.Parallel()
	a := start(t, setup{})
	payer, other, admin := a.register(), a.register(), a.admin()
	a.post("/payment", payer.token, object{"cuid": "first"}).want(t, 201)
	customer := a.get("/user/"+payer.id, payer.token).text(t, "customerId")
	attach := func(token, id, customer string) answer {
		return a.send(request{method: "PATCH", path: "/user/" + id, token: token, body: object{"customerId": customer}})
	}
	attach(payer.token, payer.id, customer).want(t, 200)
	attach(payer.token, payer.id, "cus_somebodyElse").problem(t, 403, "customer_forbidden")
	attach(other.token, other.id, customer).problem(t, 403, "customer_forbidden")
	attach(admin.token, other.id, customer).problem(t, 409, "customer_taken")
	attach(admin.token, other.id, "cus_unknown").problem(t, 422, "customer_unknown")

	elsewhere := a.stripe("POST", "/v1/customers", "email=elsewhere@example.com").text(t, "id")
	if got := attach(admin.token, other.id, elsewhere).want(t, 200).text(t, "customerId"); got != elsewhere {
		t.Errorf("customerId is %q, want %q", got, elsewhere)
	}
	a.stripe("DELETE", "/v1/customers/"+elsewhere, "")
	attach(admin.token, payer.id, elsewhere).problem(t, 422, "customer_unknown")
}
