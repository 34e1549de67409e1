package sandbox

import "net/http"

// setHeader sets the headers of an answer. key is the idempotency key that the
// call sent, or that Stripe made for it.
//
// Recorded exchanges show, at API version 2023-10-16: a POST that was executed
// carries the key, its own id in Original-Request, and, unless it is a 5xx,
// Stripe-Should-Retry: false, also when it was declined or refused. A POST that
// was refused before it was executed carries neither of the last two, and
// neither does a GET. lock_timeout carries Stripe-Should-Retry: true. A 401
// does not repeat the key.
//
// No recording shows a replay. Here it carries what the first answer carried.
func setHeader(h http.Header, method, requestID, key string, out answer) {
	h.Set("Content-Type", "application/json")
	for name, values := range out.header {
		h[name] = values
	}
	h.Set("Request-Id", requestID)
	h.Set("Stripe-Version", APIVersion)
	locked := out.gist.Code == codeLockTimeout
	if locked {
		h.Set("Stripe-Should-Retry", "true")
	}
	if method != http.MethodPost {
		return
	}
	if out.status != http.StatusUnauthorized && key != "" {
		h.Set("Idempotency-Key", key)
	}
	if (out.executed || locked) && h.Get("Original-Request") == "" {
		h.Set("Original-Request", requestID)
	}
	if out.executed && !locked && out.status < http.StatusInternalServerError {
		h.Set("Stripe-Should-Retry", "false")
	}
}
