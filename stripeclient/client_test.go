package stripeclient

import (
	"strings"
	"testing"
)

func TestNewNamesAllFaultsAndNoValue(t *testing.T) {
	t.Parallel()
	_, err := New(Config{
		SecretKey: "pk_test_leakcanary", BaseURL: "ftp://leakcanary@host", Timeout: -1, MaxAttempts: -1, RatePerSecond: -1,
		Burst: -1, MaxInFlight: -1, BreakerFailures: -1, BreakerCooldown: -1,
	})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{
		"SecretKey", "BaseURL", "Timeout", "MaxAttempts", "RatePerSecond", "Burst", "MaxInFlight", "BreakerFailures", "BreakerCooldown",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
	wantNoLeak(t, err.Error(), "leakcanary")
}

func TestNewConfig(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		cfg  Config
		ok   bool
	}{
		{"a secret key is enough", Config{SecretKey: "sk_live_1"}, true},
		{"a restricted key", Config{SecretKey: "rk_test_1"}, true},
		{"a test key over http", Config{SecretKey: "sk_test_1", BaseURL: "http://127.0.0.1:12111"}, true},
		{"a base URL with a slash", Config{SecretKey: "sk_test_1", BaseURL: "http://sandbox:12111/"}, true},
		{"a live key over http", Config{SecretKey: "sk_live_1", BaseURL: "http://127.0.0.1:12111"}, false},
		{"no key", Config{}, false},
		{"a publishable key", Config{SecretKey: "pk_live_1"}, false},
		{"a key with a line break from its file", Config{SecretKey: "sk_live_1\n"}, false},
		{"a base URL with a path", Config{SecretKey: "sk_test_1", BaseURL: "https://host/v2"}, false},
		{"a base URL without a scheme", Config{SecretKey: "sk_test_1", BaseURL: "localhost:12111"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := New(tt.cfg)
			if (err == nil) != tt.ok || (c != nil) != tt.ok {
				t.Errorf("got client %v and %v, want a client: %v", c != nil, err, tt.ok)
			}
		})
	}
}
