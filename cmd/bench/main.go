// Command bench reads the output of Go benchmarks on standard input and prints what
// they have found as one table, beside the marks that we have set ourselves:
//
//	go test -run '^$' -bench . ./server ./cmd/bench | go run ./cmd/bench
//
// The input is repeated on standard error as it comes. A mark that is missed is told
// in the table and fails nothing: speed is looked at by people. A benchmark that
// fails, or an input without any, is a failure.
//
// The benchmarks of the whole system are this folder's tests.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run prints the table of what it reads, and repeats that on progress. It prints
// what there is before it returns errFailed, errUnfinished or errNoBenchmarks.
func run(in io.Reader, out, progress io.Writer) error {
	r, err := read(io.TeeReader(in, progress))
	if err != nil && len(r.results) == 0 {
		return err
	}
	return errors.Join(err, writeTable(out, r, marks))
}
