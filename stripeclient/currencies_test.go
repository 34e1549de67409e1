package stripeclient_test

import (
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient"
)

func TestAmountsThatStripeAlwaysRefusesAreRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		amount   int64
		currency string
		want     string // of the error; empty if the amount is good
	}{
		{2000, "usd", ""},
		{1, "usd", ""},
		{0, "usd", "is 0: it must be 1 to 99999999, in whole cents"},
		{-1, "usd", "is -1: it must be 1 to 99999999"},
		{99_999_999, "usd", ""},
		{100_000_000, "usd", "it must be 1 to 99999999"},
		{100_000_000, "jpy", "it must be 1 to 99999999, in whole jpy"},
		{999_999_999_999, "idr", ""},
		{1_000_000_000_000, "idr", "it must be 1 to 999999999999"},
		{9_999_999_999, "cop", ""},
		{10_000_000_000, "cop", "it must be 1 to 9999999999"},
		{999_999_999, "inr", ""},
		{2005, "kwd", "is 2005: Stripe charges kwd only in amounts that end in 0, such as 2010"},
		{2000, "kwd", ""},
		{5, "bhd", "end in 0, such as 10"},
		{0, "omr", "it must be 10 to 99999990, in thousandths of omr"},
		{550, "isk", "end in 00, such as 600"},
		{500, "isk", ""},
		{550, "ugx", "end in 00, such as 600"},
		{1045, "huf", ""}, // fractions are refused in payouts only
		{1045, "twd", ""},
		{1, "krw", ""},
		{100_000_000, "xyz", "it must be 1 to 99999999"},
	} {
		err := stripeclient.CheckAmount(tc.amount, tc.currency)
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%d %s: got %v, want %q", tc.amount, tc.currency, err, tc.want)
		}
	}
}

func TestUnknownCurrenciesAreRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"USD": "three lower-case letters: write usd", " Eur": "write eur",
		"xyz": "is not a currency that Stripe charges in", "dollars": "three lower-case letters of one, such as usd", "": "such as usd", "us": "such as usd",
	} {
		if err := stripeclient.CheckCurrency(code); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", code, err, want)
		}
	}
	// stripe-go names these.
	for _, code := range []stripe.Currency{
		stripe.CurrencyUSD, stripe.CurrencyEUR, stripe.CurrencyGBP, stripe.CurrencyJPY, stripe.CurrencyISK, stripe.CurrencyUGX,
		stripe.CurrencyLTL, stripe.CurrencyZMW, stripe.CurrencyMGA, stripe.CurrencyVEF, stripe.CurrencyAED,
	} {
		if err := stripeclient.CheckCurrency(string(code)); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestDocumentedMinimums(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int64{"usd": 50, "gbp": 30, "jpy": 50, "huf": 17500, "mxn": 1000, "bhd": 0, "xyz": 0} {
		if got := stripeclient.MinimumAmount(code); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
	}
}
