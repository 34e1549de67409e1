// Package telemetry measures what the server does, for its operator: Prometheus
// metrics of requests, of calls to Stripe and to the database, and OpenTelemetry
// spans for the last two. It knows no HTTP, and labels with names from closed lists
// alone: never with an id, an address or anything else of a caller's.
//
// # Metrics
//
// Rates and latencies are histograms by operationId, by call to Stripe and by call
// to the store, each with its outcome; a rate is the histogram's count. What is
// throttled is a problem with its code. Everything is named nestpayments_….
//
// # Traces
//
// A span is made only below one that records: the chain makes the span of a
// request, and the reconciler's own work has none. Spans carry no statement, key or
// body.
//
// # The work of one request
//
// Work counts the calls of one request, for its log event: a read that asks Stripe,
// or a page that asks the database twice, shows in the log before it shows in a
// bill.
package telemetry
