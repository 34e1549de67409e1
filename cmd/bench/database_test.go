package main

import (
	"fmt"
	"net/url"
	"os"
	"testing"

	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// serveDatabase runs a MongoDB-compatible server until the process is killed, with its
// files in the folder that BENCH_DATABASE names.
func serveDatabase() error {
	u, err := url.Parse(mongotest.New(host{dir: os.Getenv("BENCH_DATABASE")}).URI)
	if err != nil {
		return err
	}
	sayServing(u.Host)
	select {}
}

// host is what mongotest needs of a test, in a process that runs none.
type host struct {
	testing.TB
	dir string
}

func (h host) Helper()         {}
func (h host) Cleanup(func())  {}
func (h host) TempDir() string { return h.dir }

func (h host) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
