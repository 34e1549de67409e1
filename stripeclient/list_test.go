package stripeclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// heavyList answers every list request with as many objects as it asks for, up to
// the total; each has an id, a number that counts down, and this many bytes of
// spaces.
func heavyList(total, size int, object func(n int) string) step {
	padding := strings.Repeat(" ", size)
	return func(r *http.Request) (*http.Response, error) {
		query := r.URL.Query()
		limit, err := strconv.Atoi(query.Get("limit"))
		if err != nil {
			return nil, err
		}
		first := total
		if after := query.Get("starting_after"); after != "" {
			last, err := strconv.Atoi(strings.TrimLeft(after, "abcdefghijklmnopqrstuvwxyz_"))
			if err != nil {
				return nil, err
			}
			first = last - 1
		}
		last := max(first-limit, 0)
		parts := []io.Reader{strings.NewReader(fmt.Sprintf(`{"object":"list","has_more":%v,"data":[`, last > 0))}
		for n := first; n > last; n-- {
			if n < first {
				parts = append(parts, strings.NewReader(","))
			}
			parts = append(parts, strings.NewReader(object(n)), strings.NewReader(padding))
		}
		parts = append(parts, strings.NewReader("]}"))
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(io.MultiReader(parts...))}, nil
	}
}

func TestAPageThatIsTooLargeIsReadInParts(t *testing.T) {
	t.Parallel()
	const size = maxAnswer / 20
	events := func(n int) string { return event(fmt.Sprintf("evt_%d", n)) }
	intents := func(n int) string { return intentOfPayment(fmt.Sprintf("pi_%d", n), fmt.Sprintf("pay%d", n)) }
	customers := func(n int) string { return customerOfUser(fmt.Sprintf("cus_%d", n), fmt.Sprintf("user%d", n)) }
	for _, tt := range []struct {
		name   string
		answer step
		call   func(context.Context, *Client) (string, error)
		want   string
		limits []string
	}{
		{"events", heavyList(60, size, events), func(ctx context.Context, c *Client) (string, error) {
			got, more, err := c.Events(ctx, "evt_0", 100)
			return fmt.Sprint(len(got), more), err
		}, "12 true", []string{"100", "50", "25", "12"}},
		{"intents", heavyList(30, size, intents), func(ctx context.Context, c *Client) (string, error) {
			all, err := c.Intents(ctx, "cus_1", time.Unix(0, 0))
			return fmt.Sprint(len(all)), err
		}, "30", []string{"100", "50", "25", "12", "12", "12"}},
		{"customers", heavyList(30, size, customers), func(ctx context.Context, c *Client) (string, error) {
			cus, err := c.FindCustomer(ctx, "user3", time.Unix(0, 0))
			return fmt.Sprint(cus), err
		}, "customer cus_3", []string{"100", "50", "25", "12", "12", "12"}},
	} {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(tt.answer)
			c := f.client(t, func(c *Config) { c.BreakerFailures = 1 })
			got, err := tt.call(t.Context(), c)
			if err != nil || got != tt.want {
				t.Errorf("got %q and %v, want %q", got, err, tt.want)
			}
			var limits []string
			for _, r := range f.sent() {
				limits = append(limits, r.params.Get("limit"))
			}
			if !reflect.DeepEqual(limits, tt.limits) {
				t.Errorf("asked for pages of %v, want %v", limits, tt.limits)
			}
			if state := c.limits.background.State().String(); state != "closed" {
				t.Errorf("the breaker is %s, want closed", state)
			}
		})
	}
}

func TestAnObjectThatIsTooLargeIsNoFailureOfStripe(t *testing.T) {
	t.Parallel()
	huge := reply(200, intentJSON+strings.Repeat(" ", maxAnswer))
	for _, tt := range []struct {
		name string
		call func(context.Context, *Client) error
		want Kind
		sent int
	}{
		{"an intent that is read", func(ctx context.Context, c *Client) error { _, err := c.Intent(ctx, "pi_1"); return err }, KindTooLarge, 1},
		{"a customer that is read", func(ctx context.Context, c *Client) error { _, err := c.Customer(ctx, "cus_1"); return err }, KindTooLarge, 1},
		{"a page of one event", func(ctx context.Context, c *Client) error { _, _, err := c.Events(ctx, "", 1); return err }, KindTooLarge, 1},
		{"a page of four that shrinks", func(ctx context.Context, c *Client) error { _, _, err := c.Events(ctx, "", 4); return err }, KindTooLarge, 3},
		// The charge may have happened.
		{"an intent that is confirmed", func(ctx context.Context, c *Client) error {
			_, err := c.ConfirmIntent(ctx, "pi_1", "k", "pm_1")
			return err
		}, KindUnknown, 1},
	} {
		inBubble(t, tt.name, func(t *testing.T) {
			f := newFake(huge)
			c := f.client(t, func(c *Config) { c.BreakerFailures = 1 })
			err := tt.call(t.Context(), c)
			if wantKind(t, err, tt.want); !errors.Is(err, errTooLarge) || len(f.sent()) != tt.sent {
				t.Errorf("got %v after %d requests, want %v after %d", err, len(f.sent()), errTooLarge, tt.sent)
			}
			if state := c.limits.background.State().String(); state != "closed" {
				t.Errorf("the breaker is %s, want closed", state)
			}
		})
	}
}

// Events of intents with the largest metadata that Stripe allows.
func TestTheLargestMetadataFits(t *testing.T) {
	t.Parallel()
	var metadata []string
	for i := range 50 {
		metadata = append(metadata, fmt.Sprintf(`"%s%02d":"%s"`, strings.Repeat(`\ud83d\ude00`, 38), i, strings.Repeat(`\ud83d\ude00`, 500)))
	}
	one := strings.Join(metadata, ",")
	object := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"object":"event","type":"payment_intent.created","created":1,"data":{"object":{"id":"pi_1","object":"payment_intent","metadata":{%s}}}}`, id, one)
	}
	synctest.Test(t, func(t *testing.T) {
		answer := heavyList(40, 0, func(n int) string { return object(fmt.Sprintf("evt_%d", n)) })
		got, more, err := newFake(answer).client(t).Events(t.Context(), "evt_0", 40)
		if err != nil || len(got) != 20 || !more {
			t.Errorf("got %d events, more %v, and %v, want 20 and more", len(got), more, err)
		}
	})
}

func TestAnItemThatIsOfNoUseDoesNotHideTheOthers(t *testing.T) {
	t.Parallel()
	t.Run("events", func(t *testing.T) {
		t.Parallel()
		answer := listJSON(false, event("evt_5"),
			`{"id":"evt_4","type":"payment_intent.succeeded","created":"2026-11-28T00:00:00Z","data":{"object":{"id":"pi_4"}}}`,
			`{"id":"evt_3","type":"payment_intent.succeeded","data":{"object":{"id":"src_1"}}}`,
			`{"id":"evt_2","type":"v2.core.account[requirements].updated","data":[]}`)
		events, _, err := newFake(reply(200, answer)).client(t).Events(t.Context(), "evt_1", 10)
		var got []string
		for _, e := range events {
			got = append(got, e.ID+" "+e.ObjectID)
		}
		if want := []string{"evt_2 ", "evt_3 ", "evt_4 pi_4", "evt_5 pi_evt_5"}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %q and %v, want %q", got, err, want)
		}
	})
	t.Run("customers", func(t *testing.T) {
		t.Parallel()
		f := newFake(
			reply(200, listJSON(true, customerOfUser("own-id.1", "user1"), customerOfUser("own id/2", "user2"))),
			reply(200, listJSON(false, customerOfUser("cus_1", "user1"))))
		cus, err := f.client(t).FindCustomer(t.Context(), "user1", time.Unix(0, 0))
		if err != nil || cus.ID != "cus_1" {
			t.Fatalf("got %v and %v, want cus_1", cus, err)
		}
		if after := f.sent()[1].params.Get("starting_after"); after != "own id/2" {
			t.Errorf("asked for the page after %q, want the last id", after)
		}
	})
}
