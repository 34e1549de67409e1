#!/usr/bin/env bash
# The steps for orval, which makes functions upon fetch.
set -euo pipefail
. "$SDK/node/node.sh"

case $1 in
install) install_node ;;
version) echo "orval $(installed orval)" ;;
generate) orval ;;
build) tsc ;;
names) names generated/{user/user,payment/payment,webhook/webhook,model/index}.ts ;;
journey) node journey.ts ;;
esac
