package fuzz_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/cmd/nestdev/nestdevtest"
)

// nestdev is a nestdev that runs.
type nestdev struct{ *nestdevtest.System }

// user is who a campaign may be.
type user struct{ id, token string }

// password is the password of every user but the admin.
const password = "correct horse battery"

// register registers a user.
func (d nestdev) register(t *testing.T, name string) user {
	t.Helper()
	return d.grant(t, "/user/register", map[string]string{"userName": name, "email": name + "@callers.example", "password": password})
}

// admin logs the ready-made admin in.
func (d nestdev) admin(t *testing.T) user {
	t.Helper()
	return d.grant(t, "/user/login", map[string]string{"email": d.AdminEmail, "password": d.AdminPassword})
}

// grant asks for an access token, whose subject is the user's id.
func (d nestdev) grant(t *testing.T, path string, credentials map[string]string) user {
	t.Helper()
	body, err := json.Marshal(credentials)
	if err != nil {
		t.Fatal(err)
	}
	var granted struct {
		Token string `json:"access_token"`
	}
	d.call(t, "POST", d.URL+path, string(body), http.StatusCreated, &granted)
	parts := strings.Split(granted.Token, ".")
	var claims struct{ Sub string }
	text, err := base64.RawURLEncoding.DecodeString(parts[min(1, len(parts)-1)])
	if err == nil {
		err = json.Unmarshal(text, &claims)
	}
	if err != nil || claims.Sub == "" {
		t.Fatalf("the access token has no subject: %v", err)
	}
	return user{id: claims.Sub, token: granted.Token}
}

// call asks the API or the sandbox, and must get the status.
func (d nestdev) call(t *testing.T, method, url, body string, status int, answer any) {
	t.Helper()
	if err := nestdevtest.Call(t.Context(), method, url, "", body, status, answer); err != nil {
		t.Fatal(err)
	}
}
