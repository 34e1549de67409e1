#!/usr/bin/env bash
# Fetches Scalar's API reference, from which the page at /docs is made, and the
# licences of what is in it. Needs npm. To take another version, change the two
# values, read its changelog for what it would ask other machines, and run
# make browser-check.
set -euo pipefail
version=1.72.1
sha256=bf091006bdc3af6067af77c2f534812e3e633e94a94e87138069f570f33b762c

here="$(cd "$(dirname "$0")" && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private": true}' >package.json
# The last two are in the bundle and not among what it depends on.
npm install --ignore-scripts --no-audit --no-fund --save-exact "@scalar/api-reference@$version" unist-util-find-after vue-demi
script=node_modules/@scalar/api-reference/dist/browser/standalone.js
echo "$sha256  $script" | sha256sum --check --strict
gzip --best --no-name <"$script" >"$here/scalar.js.gz"
node "$here/licences.mjs" "$script.map" >"$here/LICENCES.txt"
