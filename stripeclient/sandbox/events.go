package sandbox

import (
	"encoding/json"
	"path"
	"time"
)

// eventLifetime is how far back Stripe's list of events reaches.
const eventLifetime = 30 * 24 * time.Hour

// delivery is a webhook that is owed. Its row is removed when a receiver has
// answered 2xx.
type delivery struct {
	Event string `json:"event"`
	// Dropped by a fault: never to be sent, and counted as not delivered.
	Dropped bool `json:"dropped"`
}

// emit records an event with o as it is now, and owes its webhook. previous is
// nil unless it is an update.
func (s *Sandbox) emit(by cause, kind string, o, previous object) {
	event := Event{ID: newID("evt_"), Type: kind, Created: by.at, Object: compact(o),
		Subject: subject(o), RequestID: by.requestID, IdempotencyKey: by.key}
	if previous != nil {
		event.Previous = compact(previous)
	}
	s.state.events.put(event.ID, event)
	if s.outbox != nil {
		s.state.deliveries.put(event.ID, delivery{Event: event.ID})
	}
}

// subject is the Subject of an event about o.
func subject(o object) string {
	if kind := o["object"]; kind != "payment_intent" && kind != "customer" {
		for _, owner := range []string{"payment_intent", "customer"} {
			if id, ok := o[owner].(string); ok {
				return id
			}
		}
	}
	id, _ := o["id"].(string)
	return id
}

// subject reads it from the snapshot if the event is from a state file that was
// written before there were subjects.
func (e Event) subject() string {
	if e.Subject != "" {
		return e.Subject
	}
	var o object
	_ = json.Unmarshal(e.Object, &o) // what cannot be read belongs to nothing
	return subject(o)
}

// compact renders a snapshot.
func compact(o object) json.RawMessage {
	encoded, err := json.Marshal(o)
	if err != nil {
		panic("sandbox: encode snapshot: " + err.Error())
	}
	return encoded
}

func (st *state) renderEvent(e Event) object {
	data := object{"object": e.Object}
	if len(e.Previous) > 0 {
		data["previous_attributes"] = e.Previous
	}
	pending := 0
	if _, owed := st.deliveries.get(e.ID); owed {
		pending = 1
	}
	return object{
		"id": e.ID, "object": "event", "api_version": APIVersion, "created": e.Created, "data": data,
		"livemode": false, "pending_webhooks": pending,
		"request": object{"id": orNull(e.RequestID), "idempotency_key": orNull(e.IdempotencyKey)},
		"type":    e.Type,
	}
}

// reachable reports whether Stripe still shows the event.
func (c *call) reachable(e Event) bool {
	return e.Created > c.at-int64(eventLifetime/time.Second)
}

func (c *call) listEvents() work {
	p, created := c.page(), c.span("created")
	kinds := c.list("types")
	if len(kinds) > 20 {
		c.fail(invalid("You may only specify up to 20 types.").with("", "types"))
	}
	if kind := c.filled("type"); kind != "" {
		if len(kinds) > 0 {
			c.fail(invalid("You may only specify one of these parameters: type, types."))
		}
		kinds = []string{kind}
	}
	wantDelivered, byDelivery := c.boolean("delivery_success")
	return func() (object, *apiError) {
		keep := func(e Event) bool {
			_, owed := c.state.deliveries.get(e.ID)
			return c.reachable(e) && created.has(e.Created) && matchesAny(kinds, e.Type) &&
				(!byDelivery || wantDelivered != owed)
		}
		return listOf(c, c.state.events, "event", p, keep, c.state.renderEvent)
	}
}

// matchesAny takes names of types and groups such as "charge.*"; none match all.
func matchesAny(patterns []string, kind string) bool {
	for _, pattern := range patterns {
		if ok, _ := path.Match(pattern, kind); ok {
			return true
		}
	}
	return len(patterns) == 0
}

func (c *call) retrieveEvent() work {
	return func() (object, *apiError) {
		e, ok := c.state.events.get(c.id)
		if !ok || !c.reachable(e) {
			return nil, missingInPath("event", c.id, "id")
		}
		return c.state.renderEvent(e), nil
	}
}
