package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/gen/client"
	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

// admin runs an admin command on the database and returns what it prints.
func admin(t *testing.T, databaseURL string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), append(append([]string{"admin"}, args...), "--database-url", databaseURL), &out)
	return out.String(), err
}

// printedPassword finds the random password in what grant prints, "" without one.
func printedPassword(out string) string {
	return strings.TrimSpace(regexp.MustCompile(`(?m)^  [A-Z2-7]{26}$`).FindString(out))
}

// caller is a client of a running program.
type caller struct {
	t *testing.T
	*client.ClientWithResponses
}

func (c caller) as(token string) client.RequestEditorFn {
	return func(_ context.Context, r *http.Request) error {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
}

// login returns a token, "" if the credentials are refused.
func (c caller) login(email, password string) string {
	c.t.Helper()
	r, err := c.UserControllerLoginWithResponse(c.t.Context(), client.LoginUserDto{Email: email, Password: password})
	if err != nil {
		c.t.Fatal(err)
	}
	if r.JSON201 == nil {
		return ""
	}
	return r.JSON201.AccessToken
}

// sees returns how many users the list of a token has, -1 if the token is refused.
func (c caller) sees(token string) int {
	c.t.Helper()
	r, err := c.UserControllerFindAllWithResponse(c.t.Context(), nil, c.as(token))
	if err != nil {
		c.t.Fatal(err)
	}
	if r.JSON200 == nil {
		return -1
	}
	return len(*r.JSON200)
}

func TestGrantTakesAUserOutOfTheCreatorsHands(t *testing.T) {
	t.Parallel()
	s := newSystem(t)
	s.start(t)
	api, err := client.NewClientWithResponses(s.url)
	if err != nil {
		t.Fatal(err)
	}
	c := caller{t, api}
	const theirs, hopper = "correct horse", "grace@example.com"
	register(t, s.url, "creator@example.com")
	register(t, s.url, "victim@example.com")
	creator := c.login("creator@example.com", theirs)
	created, err := c.UserControllerCreateWithResponse(t.Context(), client.CreateUserDto{UserName: "Grace Hopper", Email: hopper, Password: theirs}, c.as(creator))
	if err != nil || created.JSON201 == nil {
		t.Fatalf("create: %v, %v", created, err)
	}
	id := created.JSON201.UserID
	asUser := c.login(hopper, theirs)
	if c.sees(asUser) != 1 || c.sees(creator) != 2 {
		t.Fatal("before the grant, the creator does not manage the user")
	}

	out, err := admin(t, s.args[1], "grant", id)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"user " + id + ": admin true", "Grace Hopper", hopper, "Ada, creator@example.com", "can no longer", "access tokens of this user have ended"} {
		if !strings.Contains(out, want) {
			t.Errorf("grant does not print %q:\n%s", want, out)
		}
	}
	if got := c.login(hopper, theirs); got != "" {
		t.Error("the password that the creator set still opens the account of an admin")
	}
	if got := c.sees(asUser); got != -1 {
		t.Errorf("a token from before the grant sees %d users, want it refused", got)
	}
	if got := c.sees(creator); got != 1 {
		t.Errorf("the creator sees %d users, want themself alone", got)
	}
	email := "taken-over@example.com"
	patched, err := c.UserControllerUpdateWithResponse(t.Context(), id, client.UpdateUserDto{Email: &email}, c.as(creator))
	if err != nil || patched.StatusCode() != http.StatusNotFound {
		t.Errorf("the creator changes the email of an admin: %v, %v", patched, err)
	}
	removed, err := c.UserControllerRemoveWithResponse(t.Context(), id, c.as(creator))
	if err != nil || removed.StatusCode() != http.StatusNotFound {
		t.Errorf("the creator deletes an admin: %v, %v", removed, err)
	}
	own := c.login(hopper, printedPassword(out))
	if got := c.sees(own); got != 3 {
		t.Errorf("the new admin sees %d users, want all 3:\n%s", got, out)
	}

	// Nor does the creator get the user back when the role goes.
	if out, err = admin(t, s.args[1], "revoke", strings.ToUpper(id)); err != nil || !strings.Contains(out, "user "+id+": admin false") {
		t.Errorf("revoke: %q, %v", out, err)
	}
	if own, creators := c.sees(own), c.sees(creator); own != 1 || creators != 1 {
		t.Errorf("after revoke the user sees %d users and the creator %d, want 1 and 1", own, creators)
	}
}

func TestGrantAndRevokeByWhatIsOnRecord(t *testing.T) {
	t.Parallel()
	creator := testUser(1)
	for _, tc := range []struct {
		name, command string
		change        func(*store.User)
		// replaced says that the password must change and every token end.
		replaced bool
		want     []string
	}{
		{"grant to a user who registered", "grant", func(*store.User) {}, false, []string{"creator: none on record"}},
		{"grant to a created user", "grant", func(u *store.User) { u.CreatedBy, u.PasswordSetBy = creator.ID, creator.ID }, true,
			[]string{"creator: " + creator.ID, "can no longer"}},
		{"grant to a user whom an earlier version created", "grant", func(u *store.User) { u.CreatedBy = creator.ID }, true,
			[]string{"creator: " + creator.ID, "can no longer"}},
		{"grant again to an admin of an earlier version", "grant", func(u *store.User) { u.CreatedBy, u.Admin = creator.ID, true }, true,
			[]string{"creator: " + creator.ID, "can no longer"}},
		{"grant to a user who changed their email", "grant", func(u *store.User) { u.PasswordSetBy = creator.ID }, true,
			[]string{"creator: " + creator.ID}},
		{"grant to a user who changed their password", "grant", func(u *store.User) { u.RootCreator = creator.ID }, false,
			[]string{"creator: " + creator.ID}},
		{"grant to a user whose creator is gone", "grant", func(u *store.User) { u.CreatedBy = store.NewID(noon) }, true, []string{"deleted since"}},
		{"revoke from an admin of an earlier version", "revoke", func(u *store.User) { u.CreatedBy, u.Admin = creator.ID, true }, false,
			[]string{"creator: " + creator.ID, "can no longer"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "data.db")
			db := openSQLite(t, path)
			user := testUser(3)
			tc.change(user)
			must(t, db.MoveUsers(t.Context(), []*store.User{creator, user}))
			out, err := admin(t, "sqlite:"+path, tc.command, user.Email)
			must(t, err)
			for _, want := range append(tc.want, "user "+user.ID, user.Name, user.Email, "2024-02-29T12:00:03Z") {
				if !strings.Contains(out, want) {
					t.Errorf("%s does not print %q:\n%s", tc.command, want, out)
				}
			}
			got, err := db.User(t.Context(), user.ID)
			must(t, err)
			if got.Admin != (tc.command == "grant") || got.CreatedBy != "" {
				t.Errorf("admin %t, created by %q: want the role as asked, and no creator", got.Admin, got.CreatedBy)
			}
			password := printedPassword(out)
			if replaced := got.PasswordHash != user.PasswordHash; replaced != tc.replaced || (password != "") != replaced || got.Session > user.Session != replaced {
				t.Errorf("password replaced: %t, printed: %t, session %d; want %t for each", replaced, password != "", got.Session, tc.replaced)
			}
			if tc.replaced {
				hasher, err := auth.NewHasher(auth.HasherConfig{})
				must(t, err)
				if ok, _, err := hasher.Verify(t.Context(), got.PasswordHash, password); !ok || err != nil {
					t.Errorf("the printed password is not that of the user: %v", err)
				}
			}
			if tc.command == "revoke" && !got.CreatorKnowsPassword() {
				t.Error("that the creator knows the password is forgotten: a later grant would keep it")
			}
		})
	}
}

func TestARoleThatTheUserHasIsNotWrittenAgain(t *testing.T) {
	t.Parallel()
	for command, isAdmin := range map[string]bool{"grant": true, "revoke": false} {
		path := filepath.Join(t.TempDir(), "data.db")
		db := openSQLite(t, path)
		user := testUser(3)
		user.Admin = isAdmin
		if !isAdmin {
			user.CreatedBy = testUser(1).ID
		}
		must(t, db.MoveUsers(t.Context(), []*store.User{user}))
		before, err := db.User(t.Context(), user.ID)
		must(t, err)
		out, err := admin(t, "sqlite:"+path, command, user.Email)
		must(t, err)
		if !strings.Contains(out, "nothing was changed") || strings.Contains(out, "can no longer") {
			t.Errorf("%s: got %q, want that nothing was changed", command, out)
		}
		after, err := db.User(t.Context(), user.ID)
		must(t, err)
		if *after != *before {
			t.Errorf("%s: got %+v, want %+v", command, after, before)
		}
	}
}

func TestAdminsOfEarlierVersionsMustBeGrantedAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data.db")
	db := openSQLite(t, path)
	old, sound := testUser(1), testUser(3)
	old.Admin, sound.Admin, old.CreatedBy = true, true, sound.ID
	must(t, db.MoveUsers(t.Context(), []*store.User{old, sound}))
	for _, want := range []bool{true, false} {
		out, err := admin(t, "sqlite:"+path, "list")
		must(t, err)
		if got := strings.Contains(out, "run admin grant again"); got != want {
			t.Errorf("list says that an admin must be granted again: %t, want %t:\n%s", got, want, out)
		}
		var logged bytes.Buffer
		warnOfKnownPasswords(t.Context(), db, slog.New(slog.NewTextHandler(&logged, nil)))
		if got := strings.Contains(logged.String(), old.ID); got != want || strings.Contains(logged.String(), sound.ID) {
			t.Errorf("the log warns of the admin: %t, want %t:\n%s", got, want, &logged)
		}
		_, err = admin(t, "sqlite:"+path, "grant", old.ID)
		must(t, err)
	}
}

func TestGrantToNobody(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data.db")
	openSQLite(t, path)
	for who, want := range map[string]string{
		"nobody@example.com": "no user has this email address", "5f9f1c9b9c9c9c9c9c9c9c9c": "no user has this id",
		"ada": "no user has this id", "a@b@c": "more than one @",
	} {
		if _, err := admin(t, "sqlite:"+path, "grant", who); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("grant %s: %v, want %q", who, err, want)
		}
	}
}

// overtaken changes the user once, just before the first update.
type overtaken struct {
	store.Store
	change func(*store.User)
}

func (o *overtaken) UpdateUser(ctx context.Context, u *store.User) error {
	if change := o.change; change != nil {
		o.change = nil
		newer, err := o.User(ctx, u.ID)
		if err != nil {
			return err
		}
		change(newer)
		if err := o.Store.UpdateUser(ctx, newer); err != nil {
			return err
		}
	}
	return o.Store.UpdateUser(ctx, u)
}

func TestGrantJudgesTheVersionThatItWrites(t *testing.T) {
	t.Parallel()
	db := openSQLite(t, filepath.Join(t.TempDir(), "data.db"))
	user := testUser(3)
	user.CreatedBy = store.NewID(noon)
	must(t, db.MoveUsers(t.Context(), []*store.User{user}))
	var out bytes.Buffer
	err := setAdmin(t.Context(), &overtaken{db, func(u *store.User) { u.SetPassword("$argon2id$own") }}, user.ID, true, output{&out})
	must(t, err)
	got, err := db.User(t.Context(), user.ID)
	must(t, err)
	if !got.Admin || got.PasswordHash != "$argon2id$own" || printedPassword(out.String()) != "" {
		t.Errorf("the user changed the password during the grant, which printed\n%s\nand left %+v", &out, got)
	}
}
