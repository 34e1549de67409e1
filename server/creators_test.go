package server_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

// create creates a user as the creator does, and logs the user in.
func (a *api) create(creator person) person {
	a.t.Helper()
	p := person{email: fmt.Sprintf("person%d@example.com", people.Add(1))}
	body := object{"userName": "Created", "email": p.email, "password": password}
	p.id = a.post("/user", creator.token, body).want(a.t, 201).text(a.t, "userId")
	p.token = a.post("/user/login", "", object{"email": p.email, "password": password}).want(a.t, 201).text(a.t, "access_token")
	return p
}

func (a *api) patch(id, token string, body object) answer {
	a.t.Helper()
	return a.send(request{method: "PATCH", path: "/user/" + id, token: token, body: body})
}

// change changes the stored user, as a command does.
func (a *api) change(id string, change func(*store.User)) {
	a.t.Helper()
	u, err := a.store.User(a.t.Context(), id)
	if err == nil {
		change(u)
		err = a.store.UpdateUser(a.t.Context(), u)
	}
	if err != nil {
		a.t.Fatal(err)
	}
}

// lists reports whether the list of the caller has the user.
func (a *api) lists(token, id string) bool {
	a.t.Helper()
	for _, u := range a.get("/user", token).list(a.t) {
		if u["userId"] == id {
			return true
		}
	}
	return false
}

func TestCreatorMayManageUntilTheUserOwnsTheAccount(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		do   func(a *api, creator, user person)
		may  bool
	}{
		{"nothing has happened", func(*api, person, person) {}, true},
		{"the user changed the name", func(a *api, _, user person) {
			a.patch(user.id, user.token, object{"userName": "Renamed"}).want(a.t, 200)
		}, true},
		{"the user sent the same email again", func(a *api, _, user person) {
			a.patch(user.id, user.token, object{"email": user.email}).want(a.t, 200)
		}, true},
		{"the user changed the letter case of the email", func(a *api, _, user person) {
			a.patch(user.id, user.token, object{"email": strings.ToUpper(user.email)}).want(a.t, 200)
		}, true},
		{"the creator changed the email", func(a *api, creator, user person) {
			a.patch(user.id, creator.token, object{"email": "by-creator@example.com"}).want(a.t, 200)
		}, true},
		{"an admin changed the email", func(a *api, _, user person) {
			a.patch(user.id, a.admin().token, object{"email": "by-admin@example.com"}).want(a.t, 200)
		}, true},
		{"the user changed the email", func(a *api, _, user person) {
			a.patch(user.id, user.token, object{"email": "own@example.com"}).want(a.t, 200)
		}, false},
		{"the user is an admin, made so by an earlier version", func(a *api, _, user person) {
			a.change(user.id, func(u *store.User) { u.Admin = true })
		}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			a := start(t, setup{noWebhooks: true})
			creator := a.register()
			user := a.create(creator)
			tc.do(a, creator, user)
			if got := a.lists(creator.token, user.id); got != tc.may {
				t.Errorf("the creator's list has the user: %t, want %t", got, tc.may)
			}
			answers := []answer{
				a.get("/user/"+user.id, creator.token),
				a.patch(user.id, creator.token, object{"email": "taken-over@example.com"}),
				a.send(request{method: "DELETE", path: "/user/" + user.id, token: creator.token}),
			}
			for i, got := range answers {
				if tc.may {
					got.want(t, 200)
				} else if got.problem(t, 404, "user_not_found"); i == 0 {
					a.get("/user/"+user.id, user.token).want(t, 200)
				}
			}
		})
	}
}

// A page of the list stays a page, though its last user is left out.
func TestListGoesOnBehindAUserWhoIsLeftOut(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	creator := a.register()
	promoted, ordinary := a.create(creator), a.create(creator)
	a.change(promoted.id, func(u *store.User) { u.Admin = true })
	var seen []string
	for path := "/user?limit=1"; path != ""; {
		page := a.get(path, creator.token)
		for _, u := range page.list(t) {
			seen = append(seen, u["userId"].(string))
		}
		path = nextPage(t, page)
	}
	if len(seen) != 2 || seen[0] != creator.id || seen[1] != ordinary.id {
		t.Errorf("the pages have %v, want the creator and the ordinary user", seen)
	}
}

// beforeWrite runs a function once, before the next write of a user.
type beforeWrite struct {
	store.Store
	run func()
}

func (b *beforeWrite) first() {
	if run := b.run; run != nil {
		b.run = nil
		run()
	}
}

func (b *beforeWrite) UpdateUser(ctx context.Context, u *store.User) error {
	b.first()
	return b.Store.UpdateUser(ctx, u)
}

func (b *beforeWrite) DeleteUser(ctx context.Context, u *store.User) error {
	b.first()
	return b.Store.DeleteUser(ctx, u)
}

// startRacing starts a system in which something can happen between the check of
// who may write and the write.
func startRacing(t *testing.T) (*api, *beforeWrite) {
	t.Helper()
	race := &beforeWrite{}
	a := start(t, setup{noWebhooks: true, wrap: func(db store.Store) store.Store { race.Store = db; return race }})
	return a, race
}

// changeIn changes the stored user past the hook.
func (b *beforeWrite) changeIn(t *testing.T, id string, change func(*store.User)) {
	t.Helper()
	(&api{t: t, store: b.Store}).change(id, change)
}

// Who may write is checked on the version that is written.
func TestAWriteThatLostARaceIsJudgedAgain(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		// by picks who writes, meanwhile is what comes first.
		by        func(creator, user person) person
		meanwhile func(*store.User)
		status    int
		code      string
	}{
		{"a creator after a grant", func(creator, _ person) person { return creator },
			func(u *store.User) { u.Release(); u.Admin = true }, 404, "user_not_found"},
		{"a creator after a change of the password", func(creator, _ person) person { return creator },
			func(u *store.User) { u.SetPassword(u.PasswordHash) }, 404, "user_not_found"},
		{"the user, whose tokens have ended", func(_, user person) person { return user },
			func(u *store.User) { u.SetPassword(u.PasswordHash) }, 401, "token_invalid"},
		{"a creator after a change of something else", func(creator, _ person) person { return creator },
			func(u *store.User) { u.CustomerID = "cus_meanwhile" }, 200, ""},
		{"the user after a change of something else", func(_, user person) person { return user },
			func(u *store.User) { u.CustomerID = "cus_meanwhile" }, 200, ""},
	} {
		for method, body := range map[string]any{"PATCH": object{"email": "changed@example.com"}, "DELETE": nil} {
			t.Run(tc.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				a, race := startRacing(t)
				creator := a.register()
				user := a.create(creator)
				race.run = func() { race.changeIn(t, user.id, tc.meanwhile) }
				got := a.send(request{method: method, path: "/user/" + user.id, token: tc.by(creator, user).token, body: body})
				if tc.code == "" {
					if customer := got.want(t, tc.status).text(t, "customerId"); customer != "cus_meanwhile" {
						t.Errorf("customerId is %q, want that of the newer version", customer)
					}
					return
				}
				got.problem(t, tc.status, tc.code)
				if u, err := a.store.User(t.Context(), user.id); err != nil || u.Email != user.email {
					t.Errorf("the user is %+v, %v, want the email unchanged", u, err)
				}
			})
		}
	}
}

// Who attaches a Stripe customer is an admin, whoever created the user: the saved
// cards of a customer are worth money.
func TestCreatorMayNotAttachACustomer(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	creator := a.register()
	user := a.create(creator)
	a.patch(user.id, creator.token, object{"customerId": "cus_other"}).problem(t, 403, "customer_forbidden")
}
