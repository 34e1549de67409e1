package stripeclient

import (
	"errors"
	"fmt"
	"strings"
)

// What Stripe charges, in which currency. There are three sources:
//
//   - the codes are those that Stripe lists in its refusal of an unknown currency
//     ("Stripe currently supports these currencies: …"), as recorded in October 2024,
//     and xcg, which has replaced ang since;
//   - units, exceptions, minimums and numbers of digits are in
//     https://docs.stripe.com/currencies, as of November 2026;
//   - that the last digit of an amount in a three-decimal currency is 0 is in
//     https://docs.stripe.com/currencies#three-decimal.
//
// An account may support fewer currencies, and only Stripe knows which.
const (
	twoDecimal = `usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad
		cdf chf cny cop crc cve czk dkk dop dzd eek egp etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl hrk htg
		huf idr ils inr jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl ltl lvl mad mdl mkd mmk mnt mop mro mur mvr mwk
		mxn myr mzn nad ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sll
		sos srd std svc szl thb tjs top try ttd twd tzs uah uyu uzs vef wst xcd xcg yer zar zmw`
	zeroDecimal = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
	// The last digit of an amount is 0.
	threeDecimal = "bhd jod kwd omr tnd"
	// These have no fractions any more, but are written as if they had two decimals: the
	// last two digits are 00. (huf and twd are like that in payouts only.)
	wholeUnits = "isk ugx"

	maxDigits = 8
)

// currency holds what Stripe says about amounts in a currency, all in its smallest unit.
type currency struct {
	decimals int
	// step divides every amount.
	step int64
	// minimum is the smallest amount that the documentation allows; 0 if it names none.
	minimum int64
	digits  int
}

var currencies = newCurrencies()

func newCurrencies() map[string]currency {
	all := map[string]currency{}
	for _, group := range []struct {
		codes    string
		decimals int
		step     int64
	}{{twoDecimal, 2, 1}, {zeroDecimal, 0, 1}, {threeDecimal, 3, 10}, {wholeUnits, 2, 100}} {
		for code := range strings.FieldsSeq(group.codes) {
			all[code] = currency{decimals: group.decimals, step: group.step, digits: maxDigits}
		}
	}
	for minimum, codes := range map[int64]string{
		30: "gbp", 50: "usd ars aud brl cad chf cop eur idr ils inr jpy krw nzd php rub sgd zar", 200: "aed myr pln ron",
		250: "dkk", 300: "nok sek", 400: "hkd", 1000: "mxn thb", 1500: "czk", 17500: "huf",
	} {
		for code := range strings.FieldsSeq(codes) {
			c := all[code]
			c.minimum = minimum
			all[code] = c
		}
	}
	for code, digits := range map[string]int{"idr": 12, "cop": 10, "inr": 9} {
		c := all[code]
		c.digits = digits
		all[code] = c
	}
	return all
}

// CheckCurrency returns an error, which says what to write, if Stripe charges nothing in
// the currency.
func CheckCurrency(code string) error {
	if _, known := currencies[code]; known {
		return nil
	}
	if lower := strings.ToLower(strings.TrimSpace(code)); currencies[lower] != (currency{}) {
		return fmt.Errorf("must be three lower-case letters: write %s", lower)
	}
	return errors.New("is not a currency that Stripe charges in: write the three lower-case letters of one, such as usd (https://docs.stripe.com/currencies)")
}

// CheckAmount returns an error, which says what to write, if Stripe refuses every payment
// of the amount, in the smallest unit of the currency. An unknown currency is taken for
// one with two decimals.
func CheckAmount(amount int64, code string) error {
	c, known := currencies[code]
	if !known {
		c = currency{decimals: 2, step: 1, digits: maxDigits}
	}
	most := int64(1)
	for range c.digits {
		most *= 10
	}
	most -= c.step // the largest multiple of step with so many digits
	switch {
	case amount < 1 || amount > most:
		return fmt.Errorf("is %d: it must be %d to %d, in %s", amount, c.step, most, Unit(code))
	case amount%c.step != 0:
		zeros := strings.Repeat("0", len(fmt.Sprint(c.step))-1)
		return fmt.Errorf("is %d: Stripe charges %s only in amounts that end in %s, such as %d", amount, code, zeros, amount+c.step-amount%c.step)
	}
	return nil
}

// MinimumAmount returns the smallest amount that Stripe documents for the currency, in its
// smallest unit, or 0. It depends on the currency that the account is paid out in, so
// Stripe may accept less, or require more.
func MinimumAmount(code string) int64 { return currencies[code].minimum }

// Unit names the unit of amounts in the currency, for people.
func Unit(code string) string {
	switch c, known := currencies[code]; {
	case known && c.decimals == 0:
		return "whole " + code
	case c.decimals == 3:
		return "thousandths of " + code
	default:
		return "whole cents"
	}
}
