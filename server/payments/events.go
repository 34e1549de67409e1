package payments

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient"
)

const (
	// overlap is how late an event may become visible behind others and is still
	// read.
	overlap = 5 * time.Minute
	// patience is for how long an event that fails keeps those behind it from
	// being read for the second time. The payment that it is about is checked
	// without it.
	patience = time.Hour
	// reachBack is how far back reading begins if Stripe refuses the cursor. Stripe
	// sends a webhook for three days.
	// Source: https://docs.stripe.com/webhooks#automatic-retries
	reachBack = 3 * 24 * time.Hour
)

// eventReader reads Stripe's events in their order, each of them twice: as soon as
// it is listed, and again when it is overlap old, since an event may be listed
// late, behind others. What was handled at the first reading is not handled again,
// so the second costs one list call for a hundred events.
//
// The stored cursor is that of the second reading. The rest is memory, and is
// rebuilt from the cursor when another replica takes over.
type eventReader struct {
	service *Service
	holder  string
	// saved is the stored cursor: the last event that was read twice.
	saved string
	// ahead is the last event that was read once.
	ahead string
	// recent are the events that were read once, by id.
	recent map[string]recentEvent
}

// recentEvent is an event that is to be read again.
type recentEvent struct {
	created time.Time
	handled bool
}

// read reads a batch of new events, and a batch of those that are due for the
// second time. cursor is what is stored.
func (r *eventReader) read(ctx context.Context, cursor string, round *Round) error {
	if cursor != r.saved || r.recent == nil {
		r.restart(cursor)
	}
	if err := r.readNew(ctx, round); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return wrap("read events again", r.readAgain(ctx, round))
}

// restart forgets what was read after the cursor.
func (r *eventReader) restart(cursor string) {
	r.saved, r.ahead, r.recent = cursor, cursor, map[string]recentEvent{}
}

func (r *eventReader) readNew(ctx context.Context, round *Round) error {
	events, more, err := r.list(ctx, r.ahead)
	if err != nil {
		return err
	}
	done, err := r.handle(ctx, events, false, round)
	if len(done) > 0 {
		r.ahead = done[len(done)-1].ID
	}
	if len(done) > 0 && r.saved == "" { // the second reading needs a cursor
		err = errors.Join(err, r.save(ctx, done[0].ID))
	}
	round.More = round.More || more && err == nil
	return err
}

// readAgain reads events that are old enough for the second time.
func (r *eventReader) readAgain(ctx context.Context, round *Round) error {
	if !r.isDue() {
		return nil
	}
	events, more, err := r.list(ctx, r.saved)
	if err != nil {
		return err
	}
	n := 0
	for n < len(events) && r.isOld(events[n].Created, overlap) {
		n++
	}
	done, err := r.handle(ctx, events[:n], true, round)
	for _, e := range done {
		delete(r.recent, e.ID)
	}
	if len(done) > 0 {
		err = errors.Join(err, r.save(ctx, done[len(done)-1].ID))
	}
	if err == nil && !(more && n == len(events)) {
		r.forgetOld()
	}
	round.More = round.More || err == nil && r.isDue()
	return err
}

// isDue reports whether any event is due for the second time.
func (r *eventReader) isDue() bool {
	for _, e := range r.recent {
		if r.isOld(e.created, overlap) {
			return true
		}
	}
	return false
}

// forgetOld drops old events that Stripe no longer lists.
func (r *eventReader) forgetOld() {
	for id, e := range r.recent {
		if r.isOld(e.created, overlap) {
			delete(r.recent, id)
		}
	}
}

func (r *eventReader) isOld(created time.Time, age time.Duration) bool {
	return r.service.now().Sub(created) >= age
}

func (r *eventReader) save(ctx context.Context, cursor string) error {
	if err := r.service.store.SaveCursor(ctx, leaseName, r.holder, cursor); err != nil {
		return err
	}
	r.saved = cursor
	return nil
}

// list returns the events behind the cursor. If Stripe refuses it, for its age or
// for any other reason, reading begins again where Stripe's webhooks would: open
// payments are checked in any case.
func (r *eventReader) list(ctx context.Context, cursor string) (events []stripeclient.Event, more bool, err error) {
	s := r.service
	events, more, err = s.stripe.Events(ctx, cursor, batch)
	if err == nil || cursor == "" || passing(err) {
		return events, more, err
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "Stripe refuses the cursor of its events: reading begins again some days back",
		slog.String("error", err.Error()))
	start, err := s.stripe.EventBefore(ctx, s.now().Add(-reachBack))
	if err != nil {
		return nil, false, err
	}
	if err := r.save(ctx, start); err != nil {
		return nil, false, err
	}
	r.restart(start)
	return s.stripe.Events(ctx, start, batch)
}

// handle handles the events that were not handled before, oldest first, and
// returns those that it is done with. It stops at one that fails for a reason of
// the moment. One that Stripe refuses is counted and passed over.
//
// One that fails for longer than overlap is left to the second reading, and one
// that fails for longer than patience is given up and counted as refused.
func (r *eventReader) handle(ctx context.Context, events []stripeclient.Event, again bool, round *Round) (done []stripeclient.Event, err error) {
	limit := overlap
	if again {
		limit = patience
	}
	moved, seen := map[string]bool{}, map[string]bool{}
	for _, e := range events {
		moved[e.ObjectID] = moved[e.ObjectID] || e.Type != eventCreated
	}
	for i := range events {
		e := &events[i]
		if r.recent[e.ID].handled {
			continue
		}
		var err error
		// One look at an intent is enough, but its making may not lead to one.
		if !seen[e.ObjectID] && (e.Type != eventCreated || !moved[e.ObjectID]) {
			err = r.service.Handle(ctx, e)
			seen[e.ObjectID] = true
		}
		if passing(err) && (ctx.Err() != nil || !r.isOld(e.Created, limit)) {
			round.Failed++
			return events[:i], err
		}
		leave := passing(err) && !again
		if err != nil && !leave {
			round.Refused.Events++
			r.service.logRefused(ctx, "event", e.ID, err)
		}
		r.recent[e.ID] = recentEvent{created: e.Created, handled: !leave}
		round.Events++
	}
	return events, nil
}
