package store_test

import (
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

func TestMailAddress(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ email, key, want string }{
		{"Ada@Example.com", "ada@example.com", "Ada@Example.com"},
		{"Ada@Bücher.example", "ada@xn--bcher-kva.example", "Ada@xn--bcher-kva.example"},
		{"用户@Bücher.example", "用户@xn--bcher-kva.example", "用户@xn--bcher-kva.example"},
		{"用户@example.com", "用户@example.com", "用户@example.com"},
		{"", "", ""},
	} {
		u := store.User{Email: tc.email, EmailKey: tc.key}
		if got := u.MailAddress(); got != tc.want {
			t.Errorf("%q: got %q, want %q", tc.email, got, tc.want)
		}
	}
}
