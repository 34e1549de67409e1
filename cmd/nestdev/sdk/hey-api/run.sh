#!/usr/bin/env bash
# The steps for hey-api, which makes a client of its own upon fetch.
set -euo pipefail
. "$SDK/node/node.sh"

case $1 in
install) install_node ;;
version) echo "@hey-api/openapi-ts $(installed @hey-api/openapi-ts)" ;;
generate) openapi-ts ;;
build) tsc ;;
names) names generated/index.ts ;;
journey) node journey.ts ;;
esac
