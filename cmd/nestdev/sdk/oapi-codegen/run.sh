#!/usr/bin/env bash
# The steps of package sdk for oapi-codegen, which go.mod pins.
set -euo pipefail
case $1 in
install) go mod download && go tool -n oapi-codegen >/dev/null ;;
version) go list -m -f 'oapi-codegen {{.Version}}' github.com/oapi-codegen/oapi-codegen/v2 ;;
generate) mkdir -p client && go tool oapi-codegen -config config.yaml "$SPEC" ;;
build) go vet ./... && go build -o journey.bin . ;;
names) # types, and the calls as a user writes them
	go doc -short ./client | sed -nE 's/^ *type ([A-Za-z0-9]+).*/\1/p'
	go doc ./client ClientWithResponses | sed -nE 's/^func \(c \*(\w+)\) (\w+)\(.*/\1.\2/p' ;;
journey) ./journey.bin ;;
esac
