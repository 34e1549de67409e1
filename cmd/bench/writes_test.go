package main

import (
	"testing"
	"time"
)

// BenchmarkWrites measures how many payments can be created and confirmed in a
// second, over 1, 8 and 32 connections, and what each asks of the store and of
// Stripe. The figures without a number of connections are of 8.
//
// Then the same with webhooks and the reconciler, as in production: what all of it
// asks for each payment, until the last webhook is taken.
//
// mongo is FerretDB, which scans where MongoDB has indexes: its counts are
// MongoDB's, its speed is not.
func BenchmarkWrites(b *testing.B) {
	for _, kind := range []string{"sqlite", "mongo"} {
		b.Run(kind, func(b *testing.B) {
			for _, operation := range []string{"create", "confirm"} {
				b.Run(operation, func(b *testing.B) {
					for b.Loop() {
						measureRequests(b, kind, operation)
						measureProduction(b, kind, operation)
					}
					b.ReportMetric(0, "ns/op")
				})
			}
		})
	}
}

// writes is how many payments one measurement makes.
func writes(kind string) int {
	n := 400
	if *full {
		n = 4000
	}
	if kind == "mongo" {
		n /= 8 // each scans all before it
	}
	return n
}

func measureRequests(b *testing.B, kind, operation string) {
	a := startApart(b, kind, 1, false)
	n := writes(kind)
	a.perform(b, operation, 8, n/4) // so that nothing is new
	took, asked, used := a.perform(b, operation, 8, n)
	b.ReportMetric(float64(n)/took.Seconds(), "payments/s")
	reportWork(b, "", asked, n)
	reportSpent(b, "", used, n)
	took, _, _ = a.perform(b, operation, 1, n)
	b.ReportMetric(float64(n)/took.Seconds(), "payments/s-by-1")
	took, _, _ = a.perform(b, operation, 32, n)
	b.ReportMetric(float64(n)/took.Seconds(), "payments/s-by-32")
}

func measureProduction(b *testing.B, kind, operation string) {
	a := startApart(b, kind, 1, true)
	n := writes(kind)
	a.perform(b, operation, 8, n/4)
	took, asked, used := a.perform(b, operation, 8, n)
	b.ReportMetric(float64(n)/took.Seconds(), "production-payments/s")
	reportWork(b, "production-", asked, n)
	reportSpent(b, "production-", used, n)
}

// perform does an operation n times and returns how long that took, and what was
// asked and used for it, webhooks included.
func (a *apart) perform(b *testing.B, operation string, connections, n int) (time.Duration, work, spent) {
	b.Helper()
	wires := a.wires(b, 1, connections)
	do := func(w *wire, _ int) error {
		_, err := a.create(w)
		return err
	}
	if operation == "confirm" {
		ready := make([]made, n)
		burst(b, wires, n, func(w *wire, i int) (err error) {
			ready[i], err = a.create(w)
			return err
		})
		do = func(w *wire, i int) error { return ready[i].confirm(w) }
	}
	a.settle(b)
	asked, used := a.work(b), a.spent(b)
	took := burst(b, wires, n, do)
	a.settle(b)
	return took, a.work(b).since(asked), a.spent(b).since(used)
}

func reportWork(b *testing.B, prefix string, w work, n int) {
	b.Helper()
	b.ReportMetric(float64(w.reads)/float64(n), prefix+"store-reads/op")
	b.ReportMetric(float64(w.writes)/float64(n), prefix+"store-writes/op")
	b.ReportMetric(float64(w.stripe)/float64(n), prefix+"stripe-calls/op")
}
