#!/bin/sh
# Installs what requirements.txt and package-lock.json pin into the folder $1. Does
# nothing while they are as they were.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pins=$(cat "$here/requirements.txt" "$here/package-lock.json" "$here/.npmrc" | cksum)
if [ "$(cat "$1/installed" 2>/dev/null)" = "$pins" ]; then
	exit 0
fi
rm -rf "$1"
mkdir -p "$1"
python3 -m venv "$1"
"$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$here/requirements.txt"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$1"
(cd "$1" && npm ci --silent)
echo "$pins" >"$1/installed"
