package server_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store"
)

const newPassword = "another correct horse"

// changePassword asks for a change from the current password to the new one.
func (a *api) changePassword(token, current, replacement string) answer {
	a.t.Helper()
	return a.post("/user/password", token, object{"currentPassword": current, "newPassword": replacement})
}

func (a *api) wantLogin(email, password string, status int) {
	a.t.Helper()
	a.post("/user/login", "", object{"email": email, "password": password}).want(a.t, status)
}

func TestChangingThePasswordEndsEveryOtherToken(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	second := a.post("/user/login", "", object{"email": me.email, "password": password}).want(t, 201).text(t, "access_token")
	a.get("/user", second).want(t, 200) // remembered as verified
	fresh := a.changePassword(me.token, password, newPassword).want(t, 201).text(t, "access_token")
	for _, ended := range []string{me.token, second} {
		a.get("/user", ended).problem(t, 401, "token_invalid")
		a.changePassword(ended, newPassword, password).problem(t, 401, "token_invalid")
	}
	a.get("/user/"+me.id, fresh).want(t, 200)
	a.wantLogin(me.email, password, 401)
	a.wantLogin(me.email, newPassword, 201)

	again := a.changePassword(fresh, newPassword, password).want(t, 201).text(t, "access_token")
	a.get("/user", fresh).problem(t, 401, "token_invalid")
	a.get("/user", me.token).problem(t, 401, "token_invalid")
	a.get("/user", again).want(t, 200)
}

// Whoever holds an ended token cannot keep the user from being served.
func TestAnEndedTokenUsesUpNobodysRequests(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	a.limit(3, newStopwatch())
	fresh := a.changePassword(me.token, password, newPassword).want(t, 201).text(t, "access_token")
	for range 2 {
		a.get("/user", me.token).problem(t, 401, "token_invalid")
	}
	a.get("/user", me.token).problem(t, 429, "rate_limited")
	a.get("/user", fresh).want(t, 200).left(t, 3, 2, 20)
}

func TestAnotherReplicaKnowsThatTheTokenHasEnded(t *testing.T) {
	t.Parallel()
	p := newPair(t, testRing(t).signing.pem)
	first, second := p.replicas[0], p.replicas[1]
	me := first.register()
	second.get("/user", me.token).want(t, 200)
	fresh := first.changePassword(me.token, password, newPassword).want(t, 201).text(t, "access_token")
	second.get("/user", me.token).problem(t, 401, "token_invalid")
	second.get("/user", fresh).want(t, 200)
}

func TestChangingThePasswordLocksTheCreatorOut(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	creator := a.register()
	user := a.create(creator)
	payment := a.pay(user, "own")
	asUser := a.post("/user/login", "", object{"email": user.email, "password": password}).want(t, 201).text(t, "access_token")
	fresh := a.changePassword(user.token, password, newPassword).want(t, 201).text(t, "access_token")

	a.get("/user/"+user.id, creator.token).problem(t, 404, "user_not_found")
	a.patch(user.id, creator.token, object{"email": "taken-over@example.com"}).problem(t, 404, "user_not_found")
	a.send(request{method: "DELETE", path: "/user/" + user.id, token: creator.token}).problem(t, 404, "user_not_found")
	if a.lists(creator.token, user.id) {
		t.Error("the creator's list has the user")
	}
	a.wantLogin(user.email, password, 401)
	a.get("/payment/"+payment, asUser).problem(t, 401, "token_invalid")
	a.get("/payment/"+payment, creator.token).problem(t, 404, "payment_not_found")
	a.get("/payment/"+payment, fresh).want(t, 200)
	if u, err := a.store.User(t.Context(), user.id); err != nil || u.CreatorKnowsPassword() {
		t.Errorf("the user is %+v, %v, want no creator who knows the password", u, err)
	}
}

// The creator knows the password until it is changed, whoever manages the account.
func TestWhoKnowsThePasswordIsOnRecord(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	creator := a.register()
	user := a.create(creator)
	a.patch(user.id, user.token, object{"email": "own@example.com"}).want(t, 200)
	u, err := a.store.User(t.Context(), user.id)
	if err != nil || u.CreatedBy != "" || u.PasswordSetBy != creator.id {
		t.Errorf("after a change of the email: created by %q, password set by %q, %v", u.CreatedBy, u.PasswordSetBy, err)
	}
	a.get("/user", user.token).want(t, 200) // the user is not logged out
	a.wantLogin("own@example.com", password, 201)
}

func TestPasswordsThatAreNotChanged(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	a.changePassword(me.token, "not my password", newPassword).problem(t, 422, "wrong_password")
	a.changePassword(me.token, password, password).problem(t, 422, "password_unchanged")
	a.changePassword(me.token, "pa\u0308ssword", "p\u00e4ssword").problem(t, 422, "password_unchanged")
	a.changePassword(me.token, password, "short").problem(t, 400, "invalid_request")
	a.get("/user", me.token).want(t, 200)
	a.wantLogin(me.email, newPassword, 401)
	a.wantLogin(me.email, password, 201)
}

// A stolen token is no way around the limit of guesses.
func TestGuessingTheCurrentPasswordIsThrottled(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 3}))
	me := a.register()
	guess := func(current string) answer {
		return a.from("192.0.2.1", request{
			method: "POST", path: "/user/password", token: me.token,
			body: object{"currentPassword": current, "newPassword": newPassword},
		})
	}
	a.fail(1, "192.0.2.1", me.email)
	guess("not my password").problem(t, 422, "wrong_password")
	guess("not my password").problem(t, 422, "wrong_password")
	guess(password).tooMany(t, loginWindow)
	a.login("192.0.2.1", me.email, password).tooMany(t, loginWindow)
	a.login("192.0.2.2", me.email, password).want(t, 201)
}

func TestAPasswordChangeThatLostARace(t *testing.T) {
	t.Parallel()
	t.Run("to a change of the name is repeated", func(t *testing.T) {
		t.Parallel()
		a, race := startRacing(t)
		me := a.register()
		race.run = func() { race.changeIn(t, me.id, func(u *store.User) { u.Name = "Meanwhile" }) }
		fresh := a.changePassword(me.token, password, newPassword).want(t, 201).text(t, "access_token")
		if got := a.get("/user/"+me.id, fresh).want(t, 200).text(t, "userName"); got != "Meanwhile" {
			t.Errorf("userName is %q, want the one that was set meanwhile", got)
		}
	})
	t.Run("to another change of the password fails", func(t *testing.T) {
		t.Parallel()
		a, race := startRacing(t)
		me := a.register()
		race.run = func() { race.changeIn(t, me.id, func(u *store.User) { u.SetPassword(u.PasswordHash) }) }
		a.changePassword(me.token, password, newPassword).problem(t, 401, "token_invalid")
		a.wantLogin(me.email, newPassword, 401)
	})
}

// A login that read the user before a change of the password gets a token of the
// session that has ended.
func TestALoginDuringAPasswordChangeGetsNoWayIn(t *testing.T) {
	t.Parallel()
	between := &overtaken{}
	a := start(t, setup{noWebhooks: true, wrap: func(db store.Store) store.Store { between.Store = db; return between }})
	me := a.register()
	between.afterwards = func() { a.change(me.id, func(u *store.User) { u.SetPassword(u.PasswordHash) }) }
	late := a.post("/user/login", "", object{"email": me.email, "password": password}).want(t, 201).text(t, "access_token")
	a.get("/user", late).problem(t, 401, "token_invalid")
}

func TestPasswordsInNFCAndNFDAreTheSame(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "p\u00e4ssword", "pa\u0308ssword"
	a := start(t, setup{noWebhooks: true})
	register := func(email, password string) {
		a.post("/user/register", "", object{"userName": "A", "email": email, "password": password}).want(t, 201)
	}
	register("nfc@example.com", nfc)
	register("nfd@example.com", nfd)
	for _, email := range []string{"nfc@example.com", "nfd@example.com"} {
		a.wantLogin(email, nfc, 201)
		a.wantLogin(email, nfd, 201)
		a.wantLogin(email, "password", 401)
	}
	// The longest password, and its longest decomposition.
	longest := strings.Repeat("\u1f82", 128)
	register("long@example.com", longest)
	a.wantLogin("long@example.com", longest, 201)
	a.wantLogin("long@example.com", strings.Repeat("\u03b1\u0313\u0300\u0345", 128), 201)
}

// The length of a new password is that of its NFC form, so every spelling of it gets
// the same answer.
func TestTheLengthOfANewPasswordIsThatOfItsNFCForm(t *testing.T) {
	t.Parallel()
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	for i, tc := range []struct {
		name, composed, decomposed string
		detail                     string // "" if the password is accepted
	}{
		{"7 characters", strings.Repeat("\u00e4", 7), strings.Repeat("a\u0308", 7), "at least 8"},
		{"4 characters that are sent as 8", strings.Repeat("\u00e4", 4), strings.Repeat("a\u0308", 4), "at least 8"},
		{"8 characters", strings.Repeat("\u00e4", 8), strings.Repeat("a\u0308", 8), ""},
		{"100 Hangul syllables", strings.Repeat("한", 100), strings.Repeat("\u1112\u1161\u11ab", 100), ""},
		{"128 characters", strings.Repeat("\u00e4", 128), strings.Repeat("a\u0308", 128), ""},
		{"128 characters that decompose into four each", strings.Repeat("\u1f82", 128), strings.Repeat("\u03b1\u0313\u0300\u0345", 128), ""},
		{"128 combining marks", strings.Repeat("\u0301", 128), strings.Repeat("\u0341", 128), ""},
		{"129 characters", strings.Repeat("\u00e4", 129), strings.Repeat("a\u0308", 129), "128 characters or fewer"},
		{"130 characters that may be sent as 65", strings.Repeat("\u0915\u093c", 65), strings.Repeat("\u0958", 65), "128 characters or fewer"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := *a
			a.t = t
			for j, spelling := range []string{tc.composed, tc.decomposed} {
				registered := object{"userName": "A", "email": fmt.Sprintf("registered%d-%d@example.com", i, j), "password": spelling}
				created := object{"userName": "A", "email": fmt.Sprintf("created%d-%d@example.com", i, j), "password": spelling}
				if tc.detail == "" {
					a.post("/user/register", "", registered).want(t, 201)
					a.post("/user", me.token, created).want(t, 201)
					for _, login := range []string{tc.composed, tc.decomposed} {
						a.wantLogin(registered["email"].(string), login, 201)
						a.wantLogin(created["email"].(string), login, 201)
					}
					user := a.register()
					a.changePassword(user.token, password, spelling).want(t, 201)
					continue
				}
				wantInvalidPassword(t, a.post("/user/register", "", registered), "#/password", tc.detail)
				wantInvalidPassword(t, a.post("/user", me.token, created), "#/password", tc.detail)
				wantInvalidPassword(t, a.changePassword(me.token, password, spelling), "#/newPassword", tc.detail)
			}
		})
	}
}

func wantInvalidPassword(t *testing.T, got answer, pointer, detail string) {
	t.Helper()
	status, code := 422, "invalid_password"
	if got.status == 400 { // the schema refuses what is too short in any form
		status, code = 400, "invalid_request"
	}
	found := got.problem(t, status, code)["errors"].([]any)
	if len(found) != 1 {
		t.Fatalf("the problem lists %v, want one violation", found)
	}
	v := found[0].(object)
	if v["pointer"] != pointer || !strings.Contains(v["detail"].(string), detail) {
		t.Errorf("the violation is %v, want %s with %q", v, pointer, detail)
	}
}

// A new password of the wrong length is no failed login, whatever the current
// password, and no sign-up.
func TestANewPasswordOfTheWrongLengthUsesUpNoAttempt(t *testing.T) {
	t.Parallel()
	a := startThrottled(t, throttled(auth.ThrottleConfig{Tries: 1, SignUps: 2}))
	me := a.register()
	tooLong := strings.Repeat("a", 129)
	for range 3 {
		a.changePassword(me.token, "not my password", tooLong).problem(t, 422, "invalid_password")
		a.post("/user/register", "", object{"userName": "A", "email": "a@example.com", "password": tooLong}).problem(t, 422, "invalid_password")
	}
	a.changePassword(me.token, password, newPassword).want(t, 201)
	a.post("/user/register", "", object{"userName": "A", "email": "a@example.com", "password": password}).want(t, 201)
}

// A user of an earlier version, whose hash is of the decomposed password, logs in
// with it as ever, and with the composed one from then on.
func TestHashOfADecomposedPasswordIsReplacedAtLogin(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "p\u00e4ssword", "pa\u0308ssword"
	a := start(t, setup{noWebhooks: true})
	me := a.register()
	salt, b64 := []byte("saltsaltsaltsalt"), base64.RawStdEncoding
	hash := "$argon2id$v=19$m=64,t=1,p=1$" + b64.EncodeToString(salt) + "$" + b64.EncodeToString(argon2.IDKey([]byte(nfd), salt, 1, 64, 1, 32))
	a.change(me.id, func(u *store.User) { u.PasswordHash = hash })
	a.wantLogin(me.email, nfc, 401)
	a.wantLogin(me.email, nfd, 201)
	a.wantLogin(me.email, nfc, 201)
	a.get("/user", me.token).want(t, 200) // the password is the same, so no token ends
}
