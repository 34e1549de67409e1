#!/usr/bin/env bash
# The steps for openapi-typescript, which makes types, and openapi-fetch, the
# client that goes by them.
set -euo pipefail
. "$SDK/node/node.sh"

case $1 in
install) install_node ;;
version) echo "openapi-typescript $(installed openapi-typescript), openapi-fetch $(installed openapi-fetch)" ;;
generate) openapi-typescript "$SPEC" --output generated/api.ts --root-types --root-types-no-schema-prefix --root-types-keep-casing ;;
build) tsc ;;
names) names generated/api.ts ;;
journey) node journey.ts ;;
esac
