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
	// overlap is the time after which every event is read again, because Stripe may
	// list an event later than newer ones.
	overlap = 5 * time.Minute
	// patience is how long the second reading retries an event, from its first failure
	// there. Meanwhile no event after it is read again.
	patience = time.Hour
	// reachBack is how far back reading starts again if Stripe refuses the cursor.
	// Stripe retries webhooks for three days.
	// Source: https://docs.stripe.com/webhooks#automatic-retries
	reachBack = 3 * 24 * time.Hour
)

// eventReader reads Stripe's events in order, each of them twice: as soon as it is
// listed, and again when it is older than overlap. Events that the first reading handled
// are not handled again, so the second costs one list call for a hundred events.
//
// The stored cursor is that of the second reading. The rest is in memory, and is rebuilt
// from the cursor when another replica takes over.
type eventReader struct {
	service *Service
	holder  string
	// saved is the stored cursor. The second reading starts after it.
	saved string
	// ahead is the last event that was read once.
	ahead string
	// recent are the events that were read once, by id.
	recent map[string]recentEvent
}

// recentEvent is an event that must be read again.
type recentEvent struct {
	created time.Time
	handled bool
	// failed is when the second reading first failed to handle it, or zero.
	failed time.Time
}

// read reads a batch of new events, and a batch of those that are due for the second
// reading. cursor is the stored one.
func (r *eventReader) read(ctx context.Context, cursor string, round *Round) error {
	if cursor != r.saved || r.recent == nil {
		r.restart(cursor)
	}
	if err := r.readNew(ctx, round); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return wrap("read events again", r.readAgain(ctx, round))
}

// restart forgets which events after the cursor were read.
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

// readAgain reads events that are old enough for the second reading.
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

// isDue reports whether any event is due for the second reading.
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

// list returns the events after the cursor. If Stripe refuses the cursor, for its age or
// for any other reason, reading starts again reachBack ago. Open payments are checked in
// any case.
func (r *eventReader) list(ctx context.Context, cursor string) (events []stripeclient.Event, more bool, err error) {
	s := r.service
	events, more, err = s.stripe.Events(ctx, cursor, batch)
	if err == nil || cursor == "" || passing(err) {
		return events, more, err
	}
	s.log.LogAttrs(ctx, slog.LevelWarn, "Stripe refused the event cursor; reading again from three days ago",
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

// handle handles the events that were not handled before, oldest first, and returns
// those that are done. It stops at an event that fails with a temporary error. If that
// event is older than overlap, the first reading leaves it to the second, which gives
// it up after patience. Events that are given up, or that Stripe refuses, are counted as
// refused.
func (r *eventReader) handle(ctx context.Context, events []stripeclient.Event, again bool, round *Round) (done []stripeclient.Event, err error) {
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
		// Sync an intent once per batch, and not for its created event if a later event
		// follows.
		if !seen[e.ObjectID] && (e.Type != eventCreated || !moved[e.ObjectID]) {
			err = r.service.Handle(ctx, e)
			seen[e.ObjectID] = true
		}
		if passing(err) && (ctx.Err() != nil || !r.isOver(e, again)) {
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

// isOver reports whether this reading is over for an event that fails with a temporary
// error. The second reading counts from the first failure and not from the event's
// creation: after an outage of hours, a single failure must lose no event.
func (r *eventReader) isOver(e *stripeclient.Event, again bool) bool {
	if !again {
		return r.isOld(e.Created, overlap)
	}
	known := r.recent[e.ID]
	if known.failed.IsZero() {
		known = recentEvent{created: e.Created, failed: r.service.now()}
		r.recent[e.ID] = known
	}
	return r.isOld(known.failed, patience)
}
