package stripeclient

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"
)

const (
	whNow    = 1700000000
	whSecret = "whsec_current"
	whOther  = "whsec_next"
)

const eventJSON = `{"id":"evt_1","object":"event","type":"payment_intent.succeeded","api_version":"2099-01-01",
"created":1699999990,"data":{"object":` + intentJSON + `}}`

// v1 is the signature of the body as Stripe makes it.
func v1(at int64, body, secret string) string {
	return "v1=" + hex.EncodeToString(webhook.ComputeSignature(time.Unix(at, 0), []byte(body), secret))
}

func header(at int64, body, secret string) string {
	return fmt.Sprintf("t=%d,%s", at, v1(at, body, secret))
}

func newTestWebhook(t testing.TB) *Webhook {
	t.Helper()
	w, err := NewWebhook(WebhookConfig{
		Secrets: []string{whSecret, whOther},
		Clock:   func() time.Time { return time.Unix(whNow, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestWebhookVerify(t *testing.T) {
	t.Parallel()
	good := header(whNow, eventJSON, whSecret)
	tests := []struct {
		name, header string
		body         string
		want         error
	}{
		{name: "a good signature, of any API version", header: good},
		{name: "spaces between the parts", header: strings.ReplaceAll(good, ",", ", ")},
		{name: "one of several signatures fits", header: fmt.Sprintf("t=%d,v1=00ff,%s,v0=00", whNow, v1(whNow, eventJSON, whSecret))},
		{name: "the secret that comes next", header: header(whNow, eventJSON, whOther)},
		{name: "as old as is tolerated", header: header(whNow-300, eventJSON, whSecret)},
		{name: "as far ahead as is tolerated", header: header(whNow+300, eventJSON, whSecret)},

		{name: "a secret of somebody else", header: header(whNow, eventJSON, "whsec_stranger"), want: ErrSignature},
		{name: "too old", header: header(whNow-301, eventJSON, whSecret), want: ErrSignature},
		{name: "too far in the future", header: header(whNow+301, eventJSON, whSecret), want: ErrSignature},
		{name: "an old signature under a new time", header: fmt.Sprintf("t=%d,%s", whNow, v1(whNow-900, eventJSON, whSecret)), want: ErrSignature},
		{name: "an old signature with a new time beside it", header: fmt.Sprintf("t=%d,%s", whNow, header(whNow-900, eventJSON, whSecret)), want: ErrSignature},
		{name: "an old signature with a new time behind it", header: fmt.Sprintf("%s,t=%d", header(whNow-900, eventJSON, whSecret), whNow), want: ErrSignature},
		{name: "a time beyond all times", header: fmt.Sprintf("t=9223372036854775807,%s", v1(whNow, eventJSON, whSecret)), want: ErrSignature},
		{name: "a negative time", header: header(-1, eventJSON, whSecret), want: ErrSignature},
		{name: "no header", header: "", want: ErrSignature},
		{name: "no pairs", header: "garbage", want: ErrSignature},
		{name: "a time that is none", header: "t=soon," + v1(whNow, eventJSON, whSecret), want: ErrSignature},
		{name: "no time", header: v1(whNow, eventJSON, whSecret), want: ErrSignature},
		{name: "no signature", header: fmt.Sprintf("t=%d", whNow), want: ErrSignature},
		{name: "a signature that is not hexadecimal", header: fmt.Sprintf("t=%d,v1=xyz", whNow), want: ErrSignature},
		{name: "an empty signature", header: fmt.Sprintf("t=%d,v1=", whNow), want: ErrSignature},
		{name: "half a signature", header: good[:len(good)-32], want: ErrSignature},
		{name: "the test scheme v0 alone", header: strings.Replace(good, "v1=", "v0=", 1), want: ErrSignature},
		{name: "a flood of signatures", header: good + strings.Repeat(",v1=00", maxMACs), want: ErrSignature},
		{name: "a byte of the body is changed", header: good, body: strings.Replace(eventJSON, "evt_1", "evt_2", 1), want: ErrSignature},
		{name: "a byte is added to the body", header: good, body: eventJSON + "\n", want: ErrSignature},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			body := tt.body
			if body == "" {
				body = eventJSON
			}
			got, err := newTestWebhook(t).Verify([]byte(body), tt.header)
			if tt.want != nil {
				if !errors.Is(err, tt.want) || got != nil {
					t.Fatalf("got %v and %v, want no event and %v", got, err, tt.want)
				}
				wantNoLeak(t, err.Error(), whSecret, whOther)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := Event{
				ID: "evt_1", Type: "payment_intent.succeeded", Created: time.Unix(1699999990, 0).UTC(),
				Object: "payment_intent", ObjectID: "pi_1",
				Origin: Origin{Known: true, CustomerID: "cus_1", PaymentID: "pay1", UserID: "user1", CUID: "c1"},
			}
			if *got != want {
				t.Errorf("got %+v, want %+v", *got, want)
			}
		})
	}
}

func TestWebhookTakesWhateverIsSigned(t *testing.T) {
	t.Parallel()
	at := time.Unix(0, 0).UTC()
	for _, tt := range []struct {
		name, body string
		want       Event
	}{
		{"a thin event of v2", `{"id":"evt_test_65R","object":"v2.core.event","type":"v2.core.account[requirements].updated","livemode":false,
			"created":"2026-11-28T00:00:00.000Z","related_object":{"id":"acct_1","type":"v2.core.account"}}`,
			Event{ID: "evt_test_65R", Type: "v2.core.account[requirements].updated", Created: at}},
		{"another object", `{"id":"evt_1","type":"customer.updated","created":5,"data":{"object":{"id":"cus_1","object":"customer"}}}`,
			Event{ID: "evt_1", Type: "customer.updated", Created: time.Unix(5, 0).UTC(), Object: "customer", ObjectID: "cus_1"}},
		{"an intent that is not named", `{"id":"evt_1","type":"payment_intent.succeeded"}`, Event{ID: "evt_1", Type: "payment_intent.succeeded", Created: at}},
		{"an intent with another object's id", `{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"cus_1","object":"payment_intent"}}}`,
			Event{ID: "evt_1", Type: "payment_intent.succeeded", Created: at, Object: "payment_intent"}},
		{"an intent whose id is a path", `{"id":"evt_1","type":"payment_intent.succeeded","data":{"object":{"id":"pi_1/../x","object":"payment_intent"}}}`,
			Event{ID: "evt_1", Type: "payment_intent.succeeded", Created: at, Object: "payment_intent"}},
		{"an intent of another time", `{"id":"evt_1","type":"payment_intent.succeeded","created":1e400,"data":{"object":{"id":"pi_1"}}}`,
			Event{ID: "evt_1", Type: "payment_intent.succeeded", Created: at, ObjectID: "pi_1"}},
		{"an object in place of its data", `{"id":"evt_1","type":"a.b","data":[1]}`, Event{ID: "evt_1", Type: "a.b", Created: at}},
		{"null for its data", `{"id":"evt_1","type":"a.b","data":{"object":null}}`, Event{ID: "evt_1", Type: "a.b", Created: at}},
		{"numbers for names", `{"id":1,"type":2,"created":3,"data":4}`, Event{Created: time.Unix(3, 0).UTC()}},
		{"text for names", `{"id":"an id","type":"two words"}`, Event{Created: at}},
		{"spaces around it", " \n{\"id\":\"evt_1\"}\n", Event{ID: "evt_1", Created: at}},
		{"an empty object", `{}`, Event{Created: at}},
		{"an array", `[{"id":"evt_1"}]`, Event{}},
		{"null", `null`, Event{}},
		{"text", `"evt_1"`, Event{}},
		{"two objects", `{"id":"evt_1"}{"id":"evt_2"}`, Event{}},
		{"no JSON", `{`, Event{}},
		{"nothing", ``, Event{}},
	} {
		got, err := newTestWebhook(t).Verify([]byte(tt.body), header(whNow, tt.body, whSecret))
		if err != nil || *got != tt.want {
			t.Errorf("%s: got %+v and %v, want %+v", tt.name, got, err, tt.want)
		}
		if _, err := newTestWebhook(t).Verify([]byte(tt.body), header(whNow, tt.body, "whsec_another")); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, signed by another: got %v, want ErrSignature", tt.name, err)
		}
	}
}

func TestWebhookTakesWhatStripesOwnLibrarySigns(t *testing.T) {
	t.Parallel()
	w, err := NewWebhook(WebhookConfig{Secrets: []string{whSecret}})
	if err != nil {
		t.Fatal(err)
	}
	p := webhook.GenerateTestSignedPayload(&webhook.UnsignedPayload{Payload: []byte(eventJSON), Secret: whSecret})
	if _, err := w.Verify(p.Payload, p.Header); err != nil {
		t.Errorf("got %v, want an event", err)
	}
}

func TestNewWebhookNamesAllFaultsAndNoSecret(t *testing.T) {
	t.Parallel()
	_, err := NewWebhook(WebhookConfig{Secrets: []string{whSecret, testKey, "whsec_"}, Tolerance: -1})
	if err == nil {
		t.Fatal("got no error")
	}
	for _, want := range []string{"secret 2", "secret 3", "tolerance"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %q", err, want)
		}
	}
	wantNoLeak(t, err.Error(), whSecret, testKey)
	if _, err := NewWebhook(WebhookConfig{}); err == nil {
		t.Error("got no error without a secret")
	}
}

// FuzzWebhookVerify looks for a header that gets a body through that was not
// signed with our secret at a time near ours.
func FuzzWebhookVerify(f *testing.F) {
	good := header(whNow, eventJSON, whSecret)
	for _, h := range []string{good, "", "t=,v1=", "t=1,t=2,v1=00", "v1=00,t=1700000000", header(whNow, eventJSON, "whsec_stranger")} {
		f.Add([]byte(eventJSON), h)
	}
	f.Fuzz(func(t *testing.T, body []byte, h string) {
		event, err := newTestWebhook(t).Verify(body, h)
		switch {
		case err == nil:
			if string(body) != eventJSON || !strings.Contains(strings.ToLower(h), v1(whNow, eventJSON, whSecret)) {
				t.Fatalf("took a body that was not signed: %q with %q", body, h)
			}
			if event.ID != "evt_1" {
				t.Fatalf("got event %q, want evt_1", event.ID)
			}
		case !errors.Is(err, ErrSignature):
			t.Fatalf("got %v, want ErrSignature", err)
		case event != nil:
			t.Fatalf("got event %v beside %v", event, err)
		}
	})
}
