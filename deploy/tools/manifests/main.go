// Command manifests checks the files that say how nestpayments is run as what reads
// them would, and prints what they come to.
//
//	manifests kubernetes FOLDER          a kustomization
//	manifests compose FILE [PROFILE...]
//	manifests containerfile FILE         its stages as JSON
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) >= 2 {
		switch args[0] {
		case "kubernetes":
			return kubernetes(args[1], out)
		case "compose":
			return compose(args[1], args[2:], out)
		case "containerfile":
			return containerfile(args[1], out)
		}
	}
	return errors.New("usage: manifests kubernetes FOLDER | compose FILE [PROFILE...] | containerfile FILE")
}
