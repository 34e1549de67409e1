package server

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nestpayments/nestpayments/stripeclient"
)

const (
	// keyPatience is how long readiness waits for the first answer about the key. If
	// Stripe cannot be reached, the server is ready without one.
	keyPatience = 5 * time.Second
	// A key that is refused, or that nobody has answered about, is asked about again
	// after these pauses, each twice as long as the one before.
	keyPause, keyLongestPause = time.Second, time.Minute
)

// keyState is what is known of the key of the Stripe account.
type keyState struct {
	// ask is Config.CheckKey; nil means that nobody asks.
	ask func(context.Context) error
	// settled is true once Stripe has been asked for the first time, whatever came of
	// it. refused is true while its last answer refuses the key.
	settled, refused atomic.Bool
}

// notReady returns why the key keeps the server from being ready, or "".
func (k *keyState) notReady() string {
	switch {
	case k.ask == nil:
		return ""
	case k.refused.Load():
		return "Stripe refuses the secret key\n"
	case !k.settled.Load():
		return "the Stripe key is being checked\n"
	}
	return ""
}

// watch asks Stripe about the key until it is accepted or ctx ends. A key that is refused
// is an error in the log and makes the server not ready; that Stripe cannot be reached
// says nothing about the key.
func (k *keyState) watch(ctx context.Context, log *slog.Logger) {
	for pause := keyPause; ctx.Err() == nil; pause = min(2*pause, keyLongestPause) {
		if k.once(ctx, log) {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// once asks Stripe one time and reports whether it accepts the key.
func (k *keyState) once(ctx context.Context, log *slog.Logger) (accepted bool) {
	asking, cancel := context.WithTimeout(ctx, keyPatience)
	defer cancel()
	err := k.ask(asking)
	if ctx.Err() != nil {
		return false
	}
	defer k.settled.Store(true)
	var failure *stripeclient.Error
	switch {
	case err == nil:
		if k.refused.Swap(false) {
			log.LogAttrs(ctx, slog.LevelInfo, "Stripe accepts the secret key")
		}
		return true
	case errors.As(err, &failure) && (failure.Kind == stripeclient.KindRefused || failure.Kind == stripeclient.KindAccount):
		k.refused.Store(true)
		log.LogAttrs(ctx, slog.LevelError, "Stripe refuses the secret key, so no payment can be made: set STRIPE_SECRET_KEY to a key of your account that is not revoked and may use customers, payment intents and events", slog.String("error", err.Error()))
	default:
		log.LogAttrs(ctx, slog.LevelWarn, "the secret key of Stripe could not be checked, and will be again", slog.String("error", err.Error()))
	}
	return false
}
