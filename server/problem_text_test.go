package server

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stripe/stripe-go/v76"
)

// allProblems are the rows of the table, and the one for what fits none.
func allProblems() []problemRow { return append(slices.Clone(problems), internal) }

// Every problem says when it happens and what to do, in whole sentences, and one
// code has one title and status.
func TestProblemsAreExplained(t *testing.T) {
	t.Parallel()
	known := map[string]kind{}
	for _, p := range allProblems() {
		for _, text := range []string{p.detail, p.when} {
			if len(text) < 20 || !strings.HasSuffix(text, ".") || strings.ToUpper(text[:1]) != text[:1] {
				t.Errorf("%s: %q is not a sentence", p.code, text)
			}
		}
		if strings.HasSuffix(p.title, ".") || p.title == "" {
			t.Errorf("%s: the title is %q", p.code, p.title)
		}
		if first, twice := known[p.code]; twice && (first.title != p.title || first.status != p.status) {
			t.Errorf("%s has two titles or statuses: %+v and %+v", p.code, first, p.kind)
		}
		known[p.code] = p.kind
	}
}

// The examples of the spec say what the server says.
func TestProblemExamplesAreTrue(t *testing.T) {
	t.Parallel()
	found := 0
	for name, example := range mustSpec(t).Components.Examples {
		value, _ := example.Value.Value.(map[string]any)
		code, _ := value["code"].(string)
		if code == "" {
			continue
		}
		found++
		if !slices.ContainsFunc(allProblems(), func(p problemRow) bool {
			detail := p.detail
			if decline, _ := value["declineCode"].(string); decline != "" {
				detail = declineSentence(decline)
			}
			return p.code == code && value["type"] == problemType+code && value["title"] == p.title && value["detail"] == detail && value["status"] == float64(p.status)
		}) {
			t.Errorf("%s is %v: no answer says that", name, value)
		}
	}
	if found < 10 {
		t.Errorf("%d examples are problems", found)
	}
}

// No sentence for a payer tells a thief that a card is known to be stolen, or that a
// fraud was noticed: Stripe asks to show those declines as generic ones.
func TestDeclineSentencesRevealNothing(t *testing.T) {
	t.Parallel()
	for _, code := range []stripe.DeclineCode{
		stripe.DeclineCodeFraudulent, stripe.DeclineCodeLostCard, stripe.DeclineCodeStolenCard, stripe.DeclineCodePickupCard, stripe.DeclineCodeRestrictedCard,
		stripe.DeclineCodeMerchantBlacklist, stripe.DeclineCodeSecurityViolation, stripe.DeclineCodeDoNotTryAgain, stripe.DeclineCodeGenericDecline,
		stripe.DeclineCodeDoNotHonor, stripe.DeclineCodeCallIssuer, "invented_tomorrow", "N7", "",
	} {
		if got := declineSentence(string(code)); got != genericDecline {
			t.Errorf("%s: %q, want the generic sentence", code, got)
		}
	}
	telling := regexp.MustCompile(`(?i)fraud|stolen|lost|suspicious|blocked|decline_?code`)
	for code, sentence := range declineSentences {
		if telling.MatchString(sentence) || !strings.HasSuffix(sentence, ".") {
			t.Errorf("%s: %q", code, sentence)
		}
	}
	for code, want := range map[stripe.DeclineCode]string{
		stripe.DeclineCodeInsufficientFunds: "The card has insufficient funds. Try another card.",
		stripe.DeclineCodeExpiredCard:       "The card has expired. Try another card.",
		stripe.DeclineCodeIncorrectCVC:      "The security code of the card is not correct. Check it and try again.",
	} {
		if got := declineSentence(string(code)); got != want {
			t.Errorf("%s: %q, want %q", code, got, want)
		}
	}
}
