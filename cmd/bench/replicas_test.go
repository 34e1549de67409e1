package main

import (
	"fmt"
	"testing"
	"time"
)

// connections of a load on replicas, which each of them gets as many of.
const replicaConnections = 12

// BenchmarkReplicas measures one, two and three servers on one SQLite file, behind
// clients that go round, and in turns with them a single one of them, so that whatever
// else the machine does falls on both: the ratio is how many times as much they do.
// Each has as many threads as the machine has cores, so where the machine is busy
// already, it is 1. A payment is a create and a confirm; reads are of users and pages
// of payments, in equal parts.
//
// What each process spends is what says how the system grows beyond this machine. The
// figures with mongo are of the same on FerretDB, which takes one command at a time.
func BenchmarkReplicas(b *testing.B) {
	for replicas := 1; replicas <= 3; replicas++ {
		b.Run(fmt.Sprint(replicas), func(b *testing.B) {
			for b.Loop() {
				measureReplicas(b, "sqlite", "", replicas)
				measureReplicas(b, "mongo", "mongo-", replicas)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func measureReplicas(b *testing.B, kind, prefix string, replicas int) {
	a := startApart(b, kind, replicas, false)
	all, one := a.wires(b, replicas, replicaConnections), a.wires(b, 1, replicaConnections)
	pay := func(w *wire, _ int) error {
		m, err := a.create(w)
		if err != nil {
			return err
		}
		return m.confirm(w)
	}
	payments := writes(kind) / 4
	reads := 10 * payments
	for _, load := range []struct {
		unit string
		do   func(w *wire, i int) error
		n    int
	}{{"payment", pay, payments}, {"read", a.read, reads}} {
		burst(b, all, load.n, load.do)
		burst(b, one, load.n, load.do)
		var took, alone time.Duration
		var used spent
		const turns = 4
		together := func() {
			before := a.spent(b)
			took += burst(b, all, load.n, load.do)
			used = used.plus(a.spent(b).since(before))
		}
		for range turns / 2 { // in both orders, as the database grows
			together()
			alone += burst(b, one, 2*load.n, load.do)
			together()
		}
		b.ReportMetric(float64(turns*load.n)/took.Seconds(), prefix+load.unit+"s/s")
		b.ReportMetric(alone.Seconds()/took.Seconds(), prefix+load.unit+"s-ratio")
		reportSpent(b, prefix+load.unit+"-", used, turns*load.n)
	}
}

// read reads a user or a page of payments.
func (a *apart) read(w *wire, i int) error {
	me := a.accounts[i/2%len(a.accounts)]
	path := "/payment?limit=10"
	if i%2 == 0 {
		path = "/user/" + me.id
	}
	_, err := w.send(encode("GET", path, me.token, ""))
	return err
}

func (s spent) plus(more spent) spent {
	return spent{s.server + more.server, s.database + more.database, s.sandbox + more.sandbox, s.load + more.load}
}
