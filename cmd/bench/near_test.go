package main

import (
	"fmt"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// BenchmarkNear measures the server beside the reference, on the same database file
// and the same sandbox, in turns of a fraction of a second, so that whatever else the
// machine does falls on both. Its figures are the throughputs, in requests a second,
// and their ratio: 1 is the speed of the reference.
func BenchmarkNear(b *testing.B) {
	s := startSystem(b, "")
	me := s.register(b)
	for i := range 10 {
		me.pay(b, s.url, fmt.Sprint("page", i))
	}
	reference := launchRole(b, "reference", "BENCH_DATABASE="+filepath.Join(s.dir, "bench.db"),
		"BENCH_STRIPE="+s.boxURL, "BENCH_USER="+me.id, "BENCH_CUSTOMER="+s.box.Customers()[0].ID)

	always := func(request []byte) func(int64) []byte { return func(int64) []byte { return request } }
	login := encode("POST", "/user/login", "", fmt.Sprintf(`{"email":%q,"password":%q}`, me.email, password))
	pay := func(who string) func(int64) []byte {
		return func(n int64) []byte {
			return encode("POST", "/payment", me.token, fmt.Sprintf(`{"cuid":"%s-%d"}`, who, n))
		}
	}
	read, list := encode("GET", "/user/"+me.id, me.token, ""), encode("GET", "/payment?limit=10", me.token, "")
	const connections = 32
	// The server hashes on every core but one. Its next hash begins while the last
	// one's answer is signed and sent, so it gets a connection more than the reference.
	hashes := max(1, runtime.NumCPU()-1)
	for _, bench := range []struct {
		operation            string
		ours, theirs         func(int64) []byte
		ourConns, theirConns int
	}{
		{"UserController_findOne", always(read), always(read), connections, connections},
		{"PaymentController_getPayments", always(list), always(list), connections, connections},
		{"UserController_login", always(login), always(login), hashes + 1, hashes},
		{"PaymentController_createPayment", pay("ours"), pay("theirs"), connections, connections},
	} {
		b.Run(bench.operation, func(b *testing.B) {
			ours := newLoad(b, s.server.address, bench.ourConns, bench.ours)
			theirs := newLoad(b, reference.address, bench.theirConns, bench.theirs)
			ours.run(b, 200*time.Millisecond)
			theirs.run(b, 200*time.Millisecond)
			ours.done, ours.took, theirs.done, theirs.took = 0, 0, 0, 0
			turns := 10
			if *full {
				turns = 75
			}
			for b.Loop() {
				for range turns {
					ours.run(b, 200*time.Millisecond)
					theirs.run(b, 200*time.Millisecond)
				}
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours.perSecond(), "req/s")
			b.ReportMetric(theirs.perSecond(), "reference-req/s")
			b.ReportMetric(ours.perSecond()/theirs.perSecond(), "ratio")
		})
	}
}
