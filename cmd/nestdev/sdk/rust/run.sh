#!/usr/bin/env bash
# The steps of package sdk for openapi-generator's rust; Cargo.lock pins what the
# client needs.
set -euo pipefail
. "$SDK/openapi-generator.sh"
case $1 in
install) install_openapi_generator ;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o client ;;
build) RUSTFLAGS='-D warnings' cargo build --locked ;;
names) # types, and the calls as a user writes them
	cat client/src/models/*.rs client/src/apis/*_api.rs | sed -nE 's/^pub (struct|enum) (\w+).*/\2/p'
	for api in payment user webhook; do
		sed -nE "s/^pub async fn (\w+)\(.*/${api}_api::\1/p" "client/src/apis/${api}_api.rs"
	done ;;
journey) "$CARGO_TARGET_DIR/debug/journey" ;;
esac
