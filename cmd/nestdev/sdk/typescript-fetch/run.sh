#!/usr/bin/env bash
# The steps for the generator typescript-fetch of openapi-generator.
set -euo pipefail
. "$SDK/node/node.sh"
. "$SDK/openapi-generator.sh"

case $1 in
install)
	install_node
	install_openapi_generator
	;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o generated ;;
build) tsc ;;
names) names generated/index.ts ;;
journey) node dist/journey.js ;;
esac
