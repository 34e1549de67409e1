package sandbox_test

import (
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{SecretKeys: []string{"sk_test_one", "sk_test_two"}})
	for _, tt := range []struct {
		name          string
		authorization string
		status        int
		message       string
	}{
		{"a configured key", "Bearer sk_test_two", 200, ""},
		{"basic authentication", "Basic c2tfdGVzdF9vbmU6", 200, ""},
		{"no key", "", 401, "You did not provide an API key."},
		{"another key", "Bearer sk_test_4eC39HqLyjWDarjt", 401, "Invalid API Key provided: sk_test_************arjt"},
		{"a live key", "Bearer sk_live_4eC39HqLyjWDarjt", 401, "Invalid API Key provided: sk_live_************arjt"},
		{"a publishable key", "Bearer pk_test_4eC39HqLyjWDarjt", 401, "Invalid API Key provided: pk_test_************arjt"},
		{"a short key", "Bearer sk_test_four", 401, "Invalid API Key provided: ********"},
		{"what is no key", "Bearer correct horse battery staple", 401, "Invalid API Key provided: ********"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, _, body := b.raw("GET", "/v1/customers", nil, map[string]string{"Authorization": tt.authorization})
			if status != tt.status {
				t.Errorf("got %d %v, want %d", status, body, tt.status)
			}
			e, _ := body["error"].(map[string]any)
			if e["code"] != nil || e["request_log_url"] != nil {
				t.Errorf("got %v, want neither code nor request_log_url", e)
			}
			if message, _ := e["message"].(string); !strings.HasPrefix(message, tt.message) {
				t.Errorf("got message %q, want %q", message, tt.message)
			}
		})
	}
}

// An account has a key that nobody can guess, and keeps it.
func TestTheKeyIsRandomAndKept(t *testing.T) {
	t.Parallel()
	start := func(path string) *sandbox.Sandbox {
		s, err := sandbox.New(sandbox.Config{StatePath: path})
		return must(t, s, err)
	}
	path := filepath.Join(t.TempDir(), "state")
	first := start(path)
	key := first.SecretKey()
	if !regexp.MustCompile(`^sk_test_[0-9A-Za-z]{24}$`).MatchString(key) {
		t.Errorf("got %q, want a test key with 24 random characters", key)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := start(path)
	defer again.Close()
	if again.SecretKey() != key {
		t.Error("the key is another one after a restart")
	}
	other := start("")
	defer other.Close()
	if other.SecretKey() == key {
		t.Error("two accounts have the same key")
	}
	for given, want := range map[string]int{key: 200, other.SecretKey(): 401, "sk_test_any": 401} {
		r := httptest.NewRequest("GET", "http://localhost/v1/customers", nil)
		r.Header.Set("Authorization", "Bearer "+given)
		w := httptest.NewRecorder()
		again.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("got %d, want %d", w.Code, want)
		}
	}
}

func TestOtherVersionsAndAccountsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for _, tt := range []struct {
		header, value string
		status        int
		code          any
		log           bool
	}{
		{"Stripe-Version", "2024-06-20", 400, nil, false},
		{"Stripe-Account", "acct_1", 403, "account_invalid", true},
		{"Content-Type", "application/json", 400, nil, true},
	} {
		status, _, body := b.raw("POST", "/v1/customers", url.Values{"name": {"Ada"}}, map[string]string{tt.header: tt.value})
		e, _ := body["error"].(map[string]any)
		if _, log := e["request_log_url"]; status != tt.status || e["code"] != tt.code || log != tt.log {
			t.Errorf("%s: got %d %v, want %d, code %v, request_log_url %t", tt.header, status, e, tt.status, tt.code, tt.log)
		}
	}
}
