#!/bin/sh
# Starts the server on a free port, runs each client against it, and ends it: `tests/clients/run.sh PROGRAM VENV`.
set -eu
program=$1
venv=$2
here=$(dirname "$0")
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
ready=$(mktemp)
"$program" serve --listen 127.0.0.1:0 > "$ready" &
server=$!
trap 'kill "$server"; rm -f "$ready"' EXIT
until [ -s "$ready" ]; do
    kill -0 "$server"
    sleep 0.2
done
address=$(sed -n 's|.*http://||p' "$ready")
"$venv/bin/python" "$here/triton.py" "$address"
"$venv/bin/python" "$here/fhir_r4.py" "$address"
