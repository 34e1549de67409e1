package stripeclient

import (
	"context"
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

// Events lists the events about payment intents, oldest first: the limit (1 to
// 100) that follow the event with the id cursor, or the newest if cursor is
// empty. more tells whether others follow the last of them.
//
// KindNotFound: Stripe no longer knows the cursor. It keeps events for 30 days.
func (c *Client) Events(ctx context.Context, cursor string, limit int) (events []Event, more bool, err error) {
	const op = "list events"
	if cursor != "" && !isID("evt_", cursor) {
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
	page, err := list(ctx, c, op, "/v1/events", query, wireEvent.valid)
	if err != nil {
		return nil, false, err
	}
	// Stripe lists the newest first, whichever way one pages.
	slices.Reverse(page.Data)
	for _, e := range page.Data {
		events = append(events, e.event())
	}
	return events, cursor != "" && page.HasMore, nil
}

// wireEvent is what we read of an event. The object inside has the shape of
// the API version that the event was made for; id and type are the same in
// all of them.
type wireEvent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Data    struct {
		Object struct {
			ID     string `json:"id"`
			Object string `json:"object"`
		} `json:"object"`
	} `json:"data"`
}

// valid tells whether it is an event, and one of a payment intent names it.
func (e wireEvent) valid() bool {
	if strings.HasPrefix(e.Type, "payment_intent.") && !isID("pi_", e.Data.Object.ID) {
		return false
	}
	return isID("evt_", e.ID) && e.Type != ""
}

func (e wireEvent) event() Event {
	return Event{
		ID:       e.ID,
		Type:     e.Type,
		Created:  time.Unix(e.Created, 0).UTC(),
		Object:   e.Data.Object.Object,
		ObjectID: e.Data.Object.ID,
	}
}
