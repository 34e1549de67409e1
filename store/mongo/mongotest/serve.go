package mongotest

import (
	"fmt"
	"net/url"
	"os"
	"testing"
)

// Serve makes this process FerretDB on the files in dir, until it is killed. It calls
// tell with the address, HOST:PORT, once it listens there, and never returns. If it
// cannot start it ends the process.
func Serve(dir string, tell func(address string)) {
	t := process{dir: dir}
	u, err := url.Parse(NewFerretDB(t).URI)
	if err != nil {
		t.Fatalf("%v", err)
	}
	tell(u.Host)
	select {}
}

// process is what New needs of a test, in a process that runs none.
type process struct {
	testing.TB
	dir string
}

func (p process) Helper()         {}
func (p process) Cleanup(func())  {}
func (p process) TempDir() string { return p.dir }

func (p process) Fatalf(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}
