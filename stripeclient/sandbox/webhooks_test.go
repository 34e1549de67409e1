package sandbox_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/webhook"

	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

const webhookSecret = "whsec_test"

// receiver takes webhooks, verifies them with stripe-go and notes what came.
type receiver struct {
	url string
	// answer decides the status; nil is 200.
	answer func(stripe.Event) int

	mu       sync.Mutex
	verified []stripe.Event
	refused  []error
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	var event stripe.Event
	if err == nil {
		event, err = webhook.ConstructEvent(body, request.Header.Get("Stripe-Signature"), webhookSecret)
	}
	status := http.StatusOK
	if err == nil && r.answer != nil {
		status = r.answer(event)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.refused = append(r.refused, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.verified = append(r.verified, event)
	w.WriteHeader(status)
}

// types returns the types that came, in order.
func (r *receiver) types() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var types []string
	for _, e := range r.verified {
		types = append(types, string(e.Type))
	}
	return types
}

func (r *receiver) refusals() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.refused)
}

// config points a sandbox at the receiver, with quick retries.
func (r *receiver) config() sandbox.Config {
	return sandbox.Config{WebhookURL: r.url, WebhookSecret: webhookSecret, WebhookRetryWaits: []time.Duration{time.Millisecond}}
}

// delivered reports whether the API shows no event that is still owed.
func (b *bench) delivered() bool {
	b.Helper()
	_, _, body := b.raw("GET", "/v1/events?delivery_success=false", nil, nil)
	return len(body["data"].([]any)) == 0
}

func TestWebhooksAreSignedAndCarryTheCause(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, r.config())
	in := b.newIntent()
	got, err := b.api.PaymentIntents.Confirm(in.ID, keyed(with("pm_card_visa"), "confirm-1"))
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "all webhooks", b.delivered)
	types := r.types()
	slices.Sort(types)
	if want := []string{"charge.succeeded", "payment_intent.created", "payment_intent.succeeded"}; !slices.Equal(types, want) {
		t.Errorf("got %v, want %v", types, want)
	}
	for _, e := range r.verified {
		if e.Type != "payment_intent.succeeded" {
			continue
		}
		if e.Data.Object["id"] != in.ID || e.Data.Object["status"] != "succeeded" || e.APIVersion != "2023-10-16" || e.PendingWebhooks != 1 {
			t.Errorf("got %v of %s, want the intent as it was", e.Data.Object, e.APIVersion)
		}
		if e.Request.IdempotencyKey != "confirm-1" || e.Request.ID != got.LastResponse.RequestID {
			t.Errorf("got cause %v, want confirm-1 and %s", e.Request, got.LastResponse.RequestID)
		}
	}
}

func TestWebhookIsRetriedUntil2xx(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusInternalServerError, http.StatusFound, http.StatusBadRequest} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			var mu sync.Mutex
			tries := 0
			r.answer = func(stripe.Event) int {
				mu.Lock()
				defer mu.Unlock()
				if tries++; tries < 4 {
					return status
				}
				return http.StatusNoContent
			}
			b := setup(t, r.config())
			b.newIntent()
			eventually(t, "delivery", b.delivered)
			if got := len(r.types()); got != 4 {
				t.Errorf("got %d tries, want 4", got)
			}
		})
	}
}

func TestSlowReceiverDoesNotBlockTheAPI(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	release := make(chan struct{})
	r.answer = func(stripe.Event) int { <-release; return 200 }
	b := setup(t, r.config())
	for range 20 { // more than are sent at once
		b.newIntent()
	}
	close(release)
	eventually(t, "all webhooks", b.delivered)
	if got := len(r.types()); got != 20 {
		t.Errorf("got %d webhooks, want 20", got)
	}
}

func TestWebhooksOwedSurviveARestart(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	cfg := r.config()
	cfg.StatePath = filepath.Join(t.TempDir(), "state")
	cfg.WebhookRetryWaits = []time.Duration{time.Hour}
	tried := make(chan struct{}, 1)
	r.answer = func(stripe.Event) int { tried <- struct{}{}; return 500 }
	b := setup(t, cfg)
	b.newIntent()
	<-tried
	if err := b.sandbox.Close(); err != nil {
		t.Fatal(err)
	}
	r.answer = nil
	again := setup(t, cfg)
	eventually(t, "delivery after the restart", again.delivered)
	if got := r.types(); len(got) != 2 {
		t.Errorf("got %v, want the event once before and once after", got)
	}
}

func TestSendEventAgain(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, r.config())
	b.newIntent()
	eventually(t, "delivery", b.delivered)
	if err := b.sandbox.SendEvent(b.sandbox.Events()[0].ID); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second delivery", func() bool { return len(r.types()) == 2 })
	if r.verified[0].ID != r.verified[1].ID {
		t.Errorf("got %s and %s, want the same event", r.verified[0].ID, r.verified[1].ID)
	}
}

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	created := "payment_intent.created"
	for _, tt := range []struct {
		fault   sandbox.Fault
		want    []string // what verifies
		refused error    // what came of the first try, nil if it verified
		owed    bool     // the API shows the event as not delivered
	}{
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookDuplicate}, want: []string{created, created}},
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookDelay, Delay: time.Millisecond}, want: []string{created}},
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookDrop}, owed: true},
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookWrongSecret}, want: []string{created}, refused: webhook.ErrNoValidSignature},
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookOldTimestamp}, want: []string{created}, refused: webhook.ErrTooOld},
		{fault: sandbox.Fault{Kind: sandbox.FaultWebhookReorder, Delay: time.Millisecond}, want: []string{created}},
	} {
		t.Run(string(tt.fault.Kind), func(t *testing.T) {
			t.Parallel()
			r := newReceiver(t)
			b := setup(t, r.config())
			tt.fault.Match = "payment_intent.*"
			if err := b.sandbox.AddFault(tt.fault); err != nil {
				t.Fatal(err)
			}
			b.newIntent()
			eventually(t, "the fault to strike", func() bool { return len(b.sandbox.Faults()) == 0 })
			if tt.owed {
				if b.delivered() {
					t.Error("the API shows the dropped event as delivered")
				}
			} else {
				eventually(t, "delivery", b.delivered)
			}
			if got := r.types(); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			refusals := r.refusals()
			if tt.refused == nil && len(refusals) != 0 || tt.refused != nil && (len(refusals) != 1 || refusals[0] != tt.refused) {
				t.Errorf("got refusals %v, want %v", refusals, tt.refused)
			}
		})
	}
}

func TestReorderedWebhookComesAfterTheNext(t *testing.T) {
	t.Parallel()
	r := newReceiver(t)
	b := setup(t, r.config())
	fault := sandbox.Fault{Match: "charge.succeeded", Kind: sandbox.FaultWebhookReorder, Delay: time.Hour}
	if err := b.sandbox.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	in := b.newIntent()
	eventually(t, "the first webhook", b.delivered)
	if _, err := b.api.PaymentIntents.Confirm(in.ID, with("pm_card_visa")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all webhooks", b.delivered)
	want := []string{"payment_intent.created", "payment_intent.succeeded", "charge.succeeded"}
	if got := r.types(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEventLists(t *testing.T) {
	t.Parallel()
	b := setup(t, sandbox.Config{})
	in := b.intentIn(stripe.PaymentIntentStatusSucceeded)
	if _, err := b.api.Customers.New(nil); err != nil {
		t.Fatal(err)
	}
	all := b.sandbox.Events()
	for _, tt := range []struct {
		name, query string
		want        []string
	}{
		{"newest first", "", []string{"customer.created", "payment_intent.succeeded", "charge.succeeded", "payment_intent.created"}},
		{"type", "?type=charge.succeeded", []string{"charge.succeeded"}},
		{"group of types", "?type=payment_intent.*", []string{"payment_intent.succeeded", "payment_intent.created"}},
		{"types", "?types[]=customer.created&types[]=charge.succeeded", []string{"customer.created", "charge.succeeded"}},
		{"cursor forward in time", "?ending_before=" + all[1].ID, []string{"customer.created", "payment_intent.succeeded"}},
		{"cursor back in time", "?starting_after=" + all[1].ID, []string{"payment_intent.created"}},
		{"created", "?created[gte]=" + strconv.FormatInt(all[0].Created, 10) + "&limit=1", []string{"customer.created"}},
		{"created later", "?created[gt]=" + strconv.FormatInt(all[3].Created+10, 10), nil},
		{"not delivered", "?delivery_success=false", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, body := b.raw("GET", "/v1/events"+tt.query, nil, nil)
			var got []string
			for _, row := range body["data"].([]any) {
				got = append(got, row.(map[string]any)["type"].(string))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	t.Run("snapshots tell what was then", func(t *testing.T) {
		e, err := b.api.Events.Get(all[0].ID, nil)
		if err != nil || e.Data.Object["id"] != in.ID || e.Data.Object["status"] == "succeeded" {
			t.Errorf("got %v, %v; want the intent before it was paid", e, err)
		}
	})
}
