package stripeclient

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/stripe/stripe-go/v76"
)

// eventTypes are those that Events asks for; Stripe takes 20 at most.
// Source: https://docs.stripe.com/api/events/types
func eventTypes() []*string {
	return stripe.StringSlice([]string{
		"payment_intent.amount_capturable_updated",
		"payment_intent.canceled",
		"payment_intent.created",
		"payment_intent.partially_funded",
		"payment_intent.payment_failed",
		"payment_intent.processing",
		"payment_intent.requires_action",
		"payment_intent.succeeded",
	})
}

// Events lists the events about payment intents, oldest first: up to limit (1 to
// 100) that follow the event with the id cursor, or the newest if cursor is
// empty. more reports whether others follow the last of them.
//
// KindNotFound: Stripe no longer knows the cursor. It keeps events for 30 days.
func (c *Client) Events(ctx context.Context, cursor string, limit int) (events []Event, more bool, err error) {
	const op = "list events"
	if cursor != "" && !idShape.MatchString(cursor) {
		return nil, false, invalid(op, "ending_before")
	}
	if limit < 1 || limit > maxPage {
		return nil, false, invalid(op, "limit")
	}
	query := &stripe.EventListParams{Types: eventTypes()}
	query.Limit = stripe.Int64(int64(limit))
	if cursor != "" {
		query.EndingBefore = &cursor
	}
	page, err := list(ctx, c, op, "/v1/events", query, listedEvent.valid)
	if err != nil {
		return nil, false, err
	}
	// Stripe lists the newest first, whichever way one pages.
	for _, e := range slices.Backward(page.Data) {
		events = append(events, e.Event)
	}
	return events, cursor != "" && page.HasMore, nil
}

// EventBefore returns the id of the newest event about a payment intent that was
// made at t or before, empty if Stripe keeps none that old.
func (c *Client) EventBefore(ctx context.Context, t time.Time) (id string, err error) {
	query := &stripe.EventListParams{
		Types:        eventTypes(),
		CreatedRange: &stripe.RangeQueryParams{LesserThanOrEqual: t.Unix()},
	}
	query.Limit = stripe.Int64(1)
	page, err := list(ctx, c, "find event", "/v1/events", query, listedEvent.valid)
	if err != nil || len(page.Data) == 0 {
		return "", err
	}
	return page.Data[0].ID, nil
}

// listedEvent is an item of Stripe's list.
type listedEvent struct{ Event }

func (e *listedEvent) UnmarshalJSON(text []byte) error {
	e.Event, _ = parseEvent(text)
	return nil
}

// valid reports whether it can be a cursor. It need not be one that we have a use
// for.
func (e listedEvent) valid() bool { return e.ID != "" }

// parseEvent reads an event of any API version, v2 included, from JSON. It takes
// any object: what it cannot read is empty, and an event that names no object that
// it could be about has no ObjectID. ok is false for what is no JSON object.
func parseEvent(text []byte) (e Event, ok bool) {
	var w struct {
		ID      json.RawMessage `json:"id"`
		Type    json.RawMessage `json:"type"`
		Created json.RawMessage `json:"created"`
		Data    json.RawMessage `json:"data"`
	}
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) || json.Unmarshal(text, &w) != nil {
		return Event{}, false
	}
	e = Event{ID: shaped(idShape, read[string](w.ID)), Type: token(read[string](w.Type)), Created: time.Unix(read[int64](w.Created), 0).UTC()}
	// One after the other: an event of another kind may have anything for data.
	data := read[struct {
		Object json.RawMessage `json:"object"`
	}](w.Data)
	object := read[struct {
		ID     string `json:"id"`
		Object string `json:"object"`
	}](data.Object)
	e.Object = token(object.Object)
	if isID("pi_", object.ID) || !strings.HasPrefix(e.Type, "payment_intent.") && idShape.MatchString(object.ID) {
		e.ObjectID = object.ID
	}
	if e.Object == "payment_intent" {
		e.Origin = parseOrigin(data.Object)
	}
	return e, true
}

// parseOrigin reads whose a payment intent is. It is not known if the customer is
// neither an id nor null, or the metadata has another form.
func parseOrigin(intent json.RawMessage) Origin {
	in := read[struct {
		Customer json.RawMessage   `json:"customer"`
		Metadata map[string]string `json:"metadata"`
	}](intent)
	customer := shaped(idShape, read[string](in.Customer))
	if customer == "" && string(in.Customer) != "null" {
		return Origin{}
	}
	return Origin{
		Known: true, CustomerID: customer,
		PaymentID: in.Metadata[metaPayment], UserID: in.Metadata[metaUser], CUID: in.Metadata[metaCUID],
	}
}

// read returns the value in the JSON, or the zero value if it has another type.
func read[T any](text json.RawMessage) (value T) {
	if json.Unmarshal(text, &value) != nil {
		var zero T
		return zero
	}
	return value
}
