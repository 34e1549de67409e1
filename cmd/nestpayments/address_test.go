package main

import "testing"

func TestAddressesThatCollide(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		a, b string
		want bool
	}{
		{":80", ":80", true},
		{":80", "0.0.0.0:80", true},
		{"127.0.0.1:80", "[::]:80", true},
		{"localhost:80", "127.0.0.1:80", true},
		{"Shop.example:80", "shop.example.:080", true},
		{"[::1]:80", "[0:0::1]:80", true},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{":80", ":81", false},
		{":0", ":0", false},
		{":80", "", false},
	} {
		for _, pair := range [][2]string{{tc.a, tc.b}, {tc.b, tc.a}} {
			if got := sameAddress(pair[0], pair[1]); got != tc.want {
				t.Errorf("%q and %q: got %t, want %t", pair[0], pair[1], got, tc.want)
			}
		}
	}
}
