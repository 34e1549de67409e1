package server_test

import (
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/server"
)

func TestOriginsThatNoBrowserSends(t *testing.T) {
	t.Parallel()
	for origin, want := range map[string]string{
		"https://shop.example.com":      "",
		"http://localhost:3000":         "",
		"http://127.0.0.1:3000":         "",
		"http://[::1]:3000":             "",
		"https://xn--tda.example":       "",
		"https://ü.example":             "write https://xn--tda.example",
		"http://Ü.example:8080":         "write http://xn--tda.example:8080",
		"https://shop。example":          "write https://shop.example",
		"https://shop.example:99999":    "a number from 1 to 65535",
		"https://shop.example:0":        "a number from 1 to 65535",
		"https://shop.example:08443":    "a number from 1 to 65535",
		"https://shop.example:":         "is not a web origin",
		"https://shop.example:443":      "is not a web origin",
		"https://SHOP.example":          "is not a web origin",
		"https://ada@shop.example":      "is not a web origin",
		"https://shop.example/":         "is not a web origin",
		"http://127.1:3000":             "browsers read as an IP address",
		"http://127.0.0.01":             "browsers read as an IP address",
		"http://0x7f.1":                 "browsers read as an IP address",
		"http://[0:0::1]:3000":          "in its shortest form",
		"http://[::ffff:127.0.0.1]:300": "in its shortest form",
	} {
		err := server.CheckOrigins([]string{origin})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", origin, err, want)
		}
	}
}

func TestProxyNetworksThatMatchNobodyOrEverybody(t *testing.T) {
	t.Parallel()
	for networks, want := range map[string]string{
		"10.0.0.0/8,fc00::/7":   "",
		"0.0.0.0/1":             "",
		"0.0.0.0/0":             `"0.0.0.0/0" is everybody`,
		"::/0":                  `"::/0" is everybody`,
		"2000::/3":              "is everybody",
		"0.0.0.0/1,128.0.0.0/1": "is everybody",
		"8000::/1,::/1":         "is everybody",
		"128.0.0.0/2,10.0.0.0/8,0.0.0.0/1,192.0.0.0/2": "is everybody",
		"0.0.0.0/1,128.0.0.0/2,192.0.0.0/3":            "",
		"::ffff:127.0.0.0/104":                         "write 127.0.0.0/8",
		"::ffff:10.0.0.7/128":                          "write 10.0.0.7/32",
		"::ffff:0.0.0.0/96":                            "write 0.0.0.0/0",
	} {
		err := server.CheckTrustedProxies(strings.Split(networks, ","))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", networks, err, want)
		}
	}
}
