#!/usr/bin/env bash
# The steps of package sdk for ogen, which go.mod pins.
set -euo pipefail
case $1 in
install) go mod download && go tool -n ogen >/dev/null ;;
version) go list -m -f 'ogen {{.Version}}' github.com/ogen-go/ogen ;;
generate) go tool ogen -config ogen.yaml -target api -package api -clean "$SPEC" ;;
build) go vet ./... && go build -o journey.bin . ;;
names) # types, and the calls as a user writes them
	go doc -short ./api | sed -nE 's/^ *type ([A-Za-z0-9]+).*/\1/p'
	go doc ./api Client | sed -nE 's/^func \(c \*(\w+)\) (\w+)\(.*/\1.\2/p' ;;
journey) ./journey.bin ;;
esac
