#!/usr/bin/env bash
# The steps of package sdk for openapi-generator's go, whose client needs nothing
# but the standard library.
set -euo pipefail
. "$SDK/openapi-generator.sh"
case $1 in
install) install_openapi_generator ;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o nestpayments ;;
build) go vet ./... && go build -o journey.bin . ;;
names) # types, and the calls as a user writes them
	go doc -short ./nestpayments | sed -nE 's/^ *type ([A-Za-z0-9]+).*/\1/p'
	cat nestpayments/api_*.go | sed -nE 's/^func \(a \*(\w+API)Service\) (\w+)\(ctx .*/\1.\2/p' ;;
journey) ./journey.bin ;;
esac
