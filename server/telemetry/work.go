package telemetry

import (
	"context"
	"sync"
)

// Work is what the server did for one request.
type Work struct {
	mu              sync.Mutex
	storeCalls      int
	stripeCalls     int
	stripeRequestID string
}

type workKey struct{}

// WithWork has the calls that are made under the context counted in w.
func WithWork(ctx context.Context, w *Work) context.Context {
	return context.WithValue(ctx, workKey{}, w)
}

func workOf(ctx context.Context) *Work {
	w, _ := ctx.Value(workKey{}).(*Work)
	return w
}

// Sum returns the numbers of calls to the store and to Stripe, and Stripe's id of
// the last request to it, "" if there was none.
func (w *Work) Sum() (storeCalls, stripeCalls int, stripeRequestID string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.storeCalls, w.stripeCalls, w.stripeRequestID
}

func (w *Work) addStore() {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.storeCalls++
	}
}

func (w *Work) addStripe(requestID string) {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.stripeCalls++
		if requestID != "" {
			w.stripeRequestID = requestID
		}
	}
}
