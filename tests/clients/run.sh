#!/bin/sh
# Starts the server on a free port, runs each client against it, and stops it:
# `tests/clients/run.sh PROGRAM FOLDER`. FOLDER keeps installed and generated files. OPENAPI names
# another document than the repository's.
set -eu
program=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
document=$(realpath "${OPENAPI:-openapi.yaml}")
venv=$folder/venv

# Nothing is installed outside FOLDER. Missing Debian packages are named before anything runs.
missing=
command -v javac > /dev/null || missing="$missing openjdk-17-jdk-headless"
[ -e /usr/share/java/httpmime.jar ] || missing="$missing libhttpmime-java"
command -v npm > /dev/null || missing="$missing nodejs npm"
[ -x "$venv/bin/python" ] || python3 -c 'import ensurepip' 2> /dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    echo "the clients need missing packages: apt-get install --no-install-recommends$missing" >&2
    exit 2
fi

[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
# So that the commands of docs/CLIENTS.md find the generators.
PATH=$venv/bin:$PATH
ready=$(mktemp)
log=$folder/server.log
"$program" serve --listen 127.0.0.1:0 > "$ready" 2> "$log" &
server=$!
trap 'kill "$server"; rm -f "$ready"' EXIT
until [ -s "$ready" ]; do
    kill -0 "$server" || { cat "$log"; exit 1; }
    sleep 0.2
done
address=$(sed -n 's|.*http://||p' "$ready")

python "$here/triton.py" "$address"
python "$here/fhir_r4.py" "$address"
python scripts/clients_page.py --check
python "$here/prepare.py" "$document" "$folder/document"

# Every run makes the same requests. The output is shortened, since it contains bytes of images.
said=$folder/schemathesis.log
(cd "$folder" && PYTHONPATH=$here schemathesis --config-file "$here/schemathesis.toml" run "$document" \
    --url "http://$address" --no-color > "$said" 2>&1) || { cut -c 1-500 "$said"; exit 1; }
echo "schemathesis:$(grep -A 1 '^Test cases:' "$said" | tail -n 1)"

python "$here/generated.py" "http://$address" "$folder"
if grep 'status=500' "$log"; then
    echo "the server answered 500: see the log above"
    exit 1
fi
python "$here/lims.py" "$program"
