#!/usr/bin/env bash
# Runs the steps of docker/Dockerfile without a container engine: an empty folder with only the
# files that the Dockerfile copies, a build, another user, a read-only application folder, the
# health check, a prediction, SIGTERM.
#
#   scripts/rehearse_image.sh            builds from nothing (minutes)
#   BINARY=target/release/secondlook scripts/rehearse_image.sh    uses an existing program
#
# As root, the server runs as user 10001, as in the image. Without root it runs as the current user.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
dockerfile=docker/Dockerfile
uid=10001

work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; fi
    chmod -R u+w "$work"
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"

# The paths that a stage copies from the repository.
copied() {
    awk -v stage="$1" '
        /^FROM/ { current = ($3 == "AS") ? $4 : "final" }
        /^COPY/ && !/--from/ && current == stage { for (i = 2; i < NF; i++) print $i }' "$dockerfile"
}

# Copies them, unless .dockerignore excludes them.
lay_out() {
    local stage=$1 folder=$2 path
    mkdir -p "$folder"
    for path in $(copied "$stage"); do
        grep -qx "!${path%%/*}" .dockerignore || { echo ".dockerignore keeps $path out" >&2; exit 1; }
        mkdir -p "$folder/$(dirname "$path")"
        cp -r "$path" "$folder/$path"
    done
}

echo "== build"
if [ -n "${BINARY:-}" ]; then
    mkdir -p "$work/build/target/release"
    cp "$BINARY" "$work/build/target/release/secondlook"
else
    lay_out build "$work/build"
    (cd "$work/build" && cargo build --release --locked --bin secondlook)
fi

echo "== runtime"
lay_out runtime "$work/runtime"
if [ -d "$repository/runtime" ]; then cp -r "$repository/runtime" "$work/runtime/runtime"; fi
(cd "$work/runtime" && python3 scripts/fetch_runtime.py --into runtime)

echo "== application"
app=$work/app
lay_out final "$app"
cp -r "$work/runtime/runtime" "$app/runtime"
cp "$work/build/target/release/secondlook" "$work/secondlook"
chmod -R a+rX,a-w "$app" "$work/secondlook"
mkdir "$work/tmp"
chmod 1777 "$work/tmp"

# Runs the program as the image does: same folder, user and environment, and no other variables.
as_other=(env -i)
if [ "$(id -u)" = 0 ]; then as_other=(setpriv --reuid=$uid --regid=$uid --clear-groups --no-new-privs env -i); fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=127.0.0.1:$port
environment=(TMPDIR="$work/tmp" SECONDLOOK_LISTEN="0.0.0.0:$port" SECONDLOOK_LOG__FORMAT=json)
run() { (cd "$app" && exec "${as_other[@]}" "${environment[@]}" "$@"); }

echo "== it does not start where others reach it without keys"
if run "$work/secondlook" serve 2>"$work/refusal"; then echo "it started" >&2; exit 1; fi
grep -q access.open "$work/refusal"

echo "== doctor"
run SECONDLOOK_ACCESS__OPEN=true "$work/secondlook" doctor

echo "== serve"
# `exec`, so that the signal below reaches the server.
(cd "$app" && exec "${as_other[@]}" "${environment[@]}" SECONDLOOK_ACCESS__OPEN=true "$work/secondlook" serve) \
    >"$work/ready" 2>"$work/log" &
server=$!
for _ in $(seq 120); do
    if run "$work/secondlook" healthcheck 2>/dev/null; then break; fi
    sleep 0.5
done
run "$work/secondlook" healthcheck
python3 - "$address" examples/cells/hsil.png <<'PYTHON'
import json, sys, urllib.request
request = urllib.request.Request(
    f"http://{sys.argv[1]}/v1/predictions", open(sys.argv[2], "rb").read(), {"Content-Type": "image/png"})
answer = json.load(urllib.request.urlopen(request))
print(answer["prediction"]["label"], answer["decision"]["action"])
PYTHON
kill -TERM "$server"
wait "$server"
server=
echo "== nothing was written beside the temporary folder"
test -z "$(find "$app" -newer "$work/secondlook" -type f)"
echo "rehearsed"
