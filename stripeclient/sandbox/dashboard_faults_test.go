package sandbox_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

func TestDashboardSwitchesEveryFault(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	page := b.page("failures")
	kinds := regexp.MustCompile(`name="kind" value="([a-z0-9_]+)"`).FindAllStringSubmatch(page, -1)
	if len(kinds) != 24 {
		t.Fatalf("the page has %d faults, want 24", len(kinds))
	}
	for _, k := range kinds {
		kind := sandbox.FaultKind(k[1])
		match := "GET /v1/customers"
		if strings.HasPrefix(k[1], "webhook_") {
			match = "customer.*"
		}
		if title := text(page[strings.Index(page, `id="title-`+k[1]+`"`)-4:][:200]); title == "" {
			t.Errorf("%s has no title", kind)
		}
		b.submit("failures", url.Values{"kind": {k[1]}, "match": {match}, "times": {"2"}, "chance": {"100"}, "wait": {"1.5"}})
		want := sandbox.Fault{Match: match, Kind: kind, Times: 2, Delay: 1500 * time.Millisecond}
		if got := b.sandbox.Faults(); len(got) != 1 || got[0] != want {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		number := regexp.MustCompile(`id="armed-(\d+)"`).FindStringSubmatch(b.page(""))
		if number == nil {
			t.Fatalf("%s is on and not shown", kind)
		}
		b.submit("failures/disarm", url.Values{"fault": {number[1]}})
		if got := b.sandbox.Faults(); len(got) != 0 {
			t.Fatalf("got %+v, want none", got)
		}
	}
	// Without a number of times it is on until it is switched off.
	b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "times": {""}})
	for range 3 {
		wantError(t, b.api.Events.List(nil).Err(), 429, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeRateLimit, "")
	}
	wantText(t, "the banner", text(b.page("")), "until switched off, struck 3 ×")
	b.submit("failures", url.Values{"kind": {"html_502"}, "match": {"GET /v1/charges"}, "times": {"4"}, "chance": {"25"}})
	want := sandbox.Fault{Match: "GET /v1/charges", Kind: sandbox.FaultHTML502, Times: 4, Probability: 0.25}
	if got := b.sandbox.Faults(); len(got) != 2 || got[1] != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	b.submit("failures/disarm", url.Values{"fault": {"all"}})
	if got := b.sandbox.Faults(); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
}

// One fault of two that are alike is switched off, and the other stays.
func TestDashboardSwitchesOffTheFaultThatWasMeant(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	for range 2 {
		b.submit("failures", url.Values{"kind": {"rate_limit"}, "match": {"GET /v1/events"}, "times": {"1"}})
	}
	numbers := regexp.MustCompile(`id="armed-(\d+)"`).FindAllStringSubmatch(b.page(""), -1)
	if len(numbers) != 2 {
		t.Fatalf("got %d faults, want 2", len(numbers))
	}
	wantError(t, b.api.Events.List(nil).Err(), 429, stripe.ErrorTypeInvalidRequest, stripe.ErrorCodeRateLimit, "")
	// The first has struck and is gone: switching it off must not hit the second.
	b.submit("failures/disarm", url.Values{"fault": {numbers[0][1]}})
	if got := len(b.sandbox.Faults()); got != 1 {
		t.Errorf("got %d faults, want 1", got)
	}
}
