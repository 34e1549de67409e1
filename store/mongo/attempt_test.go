package mongo

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/event"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// MongoDB refuses the loser of a race to insert a key as it refuses a key that is
// full, and FerretDB lets nobody lose. So here a full key is emptied at the
// moment of the refusal: whoever believes the first refusal is wrong.
func TestARefusedCountIsTriedAgain(t *testing.T) {
	t.Parallel()
	uri := mongotest.Start(t)
	other := openURI(t, uri)
	var once sync.Once
	s := openAdjusted(t, uri, func(o *options.ClientOptions) {
		o.SetMonitor(&event.CommandMonitor{Failed: func(_ context.Context, e *event.CommandFailedEvent) {
			if e.CommandName == "findAndModify" {
				once.Do(func() {
					if err := other.ForgetAttempts(t.Context(), "k"); err != nil {
						t.Error(err)
					}
				})
			}
		}})
	})
	a := store.Attempt{Key: "k", Expires: time.Now()}
	for _, want := range []bool{true, true, false, false} {
		// The second meets a key that was full, the others one that stays full.
		if ok, err := s.CountAttempt(t.Context(), a, 1); err != nil || ok != want {
			t.Errorf("CountAttempt: got %v, %v, want %v", ok, err, want)
		}
	}
}
