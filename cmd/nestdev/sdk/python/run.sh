#!/usr/bin/env bash
# The steps of package sdk for openapi-generator's python; requirements.txt pins
# what the client needs.
set -euo pipefail
. "$SDK/openapi-generator.sh"
VENV=$TOOLS/py-openapi-generator
PATH=$VENV/bin:$PATH
case $1 in
install)
	install_openapi_generator
	sum=$(sha256sum requirements.txt)
	if [ "$(cat "$VENV/installed" 2>/dev/null)" != "$sum" ]; then
		python3 -m venv --clear "$VENV"
		python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
		python -m pip check
		echo "$sum" >"$VENV/installed"
	fi ;;
version) echo "openapi-generator $openapi_generator_version" ;;
generate) openapi_generator generate -c config.yaml -i "$SPEC" -o client ;;
build) cd client && python -W error -m compileall -q nest_payments ../journey.py && mypy --config-file ../mypy.ini ../journey.py nest_payments ;;
names)
	cd client && grep -rhoP '^class \K[A-Z]\w+' nest_payments/models
	for api in payment user; do
		grep -hoP '^    def \K[a-z]\w+' "nest_payments/api/${api}_api.py" | sed "s/^/${api^}Api./"
	done ;;
journey) PYTHONPATH=client python -W error journey.py ;;
esac
