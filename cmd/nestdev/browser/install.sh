#!/bin/sh
# Installs what package-lock.json pins into the folder $1. Does nothing while it is
# as it was.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pins=$(cat "$here/package-lock.json" "$here/.npmrc" | cksum)
if [ "$(cat "$1/installed" 2>/dev/null)" = "$pins" ]; then
	exit 0
fi
rm -rf "$1"
mkdir -p "$1"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$1"
(cd "$1" && npm ci --silent)
echo "$pins" >"$1/installed"
