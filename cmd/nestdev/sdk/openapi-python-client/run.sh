#!/usr/bin/env bash
# The steps of package sdk for openapi-python-client, which requirements.txt pins.
set -euo pipefail
VENV=$TOOLS/py-openapi-python-client
PATH=$VENV/bin:$PATH # the generator calls ruff
case $1 in
install)
	sum=$(sha256sum requirements.txt)
	if [ "$(cat "$VENV/installed" 2>/dev/null)" != "$sum" ]; then
		python3 -m venv --clear "$VENV"
		python -m pip install --quiet --no-deps --require-hashes -r requirements.txt
		python -m pip check
		echo "$sum" >"$VENV/installed"
	fi ;;
version) openapi-python-client --version | sed 's/ version://' ;;
generate) openapi-python-client generate --path "$SPEC" --config config.yaml --meta none --overwrite ;;
build) python -W error -m compileall -q . && mypy --strict journey.py nest_payments ;;
names) python names.py ;;
journey) python -W error journey.py ;;
esac
