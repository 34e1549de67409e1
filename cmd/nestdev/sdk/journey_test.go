package sdk_test

import (
	"fmt"
	"strings"
	"testing"
)

// journeySteps are the lines that a journey prints, each after the step has
// passed:
//
//	register  register $EMAIL as Ada Lovelace
//	login     log in, and use that token from here on
//	create    create a payment under $CUID
//	retry     create it again and get the same payment
//	decline   confirm it with a card without funds and get a typed problem:
//	          402, payment_declined, insufficient_funds
//	success   confirm it with a good card
//	list      create four more payments, $CUID-2 to $CUID-5, and list all five
//	          by following the Link header, two a page
//	change    change the name to Ada King
//	delete    delete the user and get a typed 401 problem for reading it
var journeySteps = []string{"register", "login", "create", "retry", "decline", "success", "list", "change", "delete"}

// checkJourney tells how what a journey printed differs from what it should.
func checkJourney(printed string) error {
	if want := "ok " + strings.Join(journeySteps, "\nok ") + "\n"; printed != want {
		return fmt.Errorf("the journey printed\n%s\nwant\n%s", printed, want)
	}
	return nil
}

func TestJourneysAreHeldToEveryStep(t *testing.T) {
	t.Parallel()
	good := "ok register\nok login\nok create\nok retry\nok decline\nok success\nok list\nok change\nok delete\n"
	for _, tc := range []struct {
		name, printed string
		passes        bool
	}{
		{"all steps", good, true},
		{"nothing", "", false},
		{"a step left out", strings.Replace(good, "ok list\n", "", 1), false},
		{"a step twice", good + "ok delete\n", false},
		{"steps in another order", strings.Replace(good, "ok create\nok retry\n", "ok retry\nok create\n", 1), false},
		{"something else as well", "deprecated\n" + good, false},
	} {
		if err := checkJourney(tc.printed); (err == nil) != tc.passes {
			t.Errorf("%s: got %v, want it to pass: %t", tc.name, err, tc.passes)
		}
	}
}
