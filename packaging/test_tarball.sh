#!/usr/bin/env bash
# Makes a tarball from a built program, unpacks it into an empty folder as another user, and uses it
# from there:
#
#   packaging/test_tarball.sh [PROGRAM]
#
# The other user is number 65534, which needs root. Without root, the calling user unpacks it.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
program=${1:-target/release/secondlook}

work=$(mktemp -d)
server=
finish() {
    if [ -n "$server" ]; then kill "$server" 2> /dev/null || true; fi
    rm -rf "$work"
}
trap finish EXIT
chmod 755 "$work"
tarball=$(packaging/tarball.sh "$program" "$work/out")
(cd "$work/out" && sha256sum --check --quiet ./*.sha256)

as_other=(env -i "PATH=$PATH")
mkdir "$work/other" "$work/elsewhere"
if [ "$(id -u)" = 0 ]; then
    as_other=(setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs "${as_other[@]}")
    chown 65534:65534 "$work/other" "$work/elsewhere"
fi
"${as_other[@]}" tar -C "$work/other" -xzf "$tarball"
root=$(echo "$work"/other/secondlook-*)
# A folder that cannot be written, as below /opt.
chmod -R a-w "$root"
for file in LICENSE THIRD_PARTY.md INSTALL.md config/secondlook.toml man/secondlook.1 man/secondlook-serve.1 \
    completions/secondlook.bash completions/_secondlook completions/secondlook.fish examples/cells/hsil.png; do
    test -s "$root/$file" || { echo "the tarball lacks $file" >&2; exit 1; }
done

# From a folder that holds neither runtime/ nor models/, through a link as in /usr/local/bin.
ln -s "$root/secondlook" "$work/secondlook"
cd "$work/elsewhere"
"${as_other[@]}" "$work/secondlook" doctor --listen 127.0.0.1:0
(exec "${as_other[@]}" "$work/secondlook" serve --listen 127.0.0.1:0) > "$work/ready" 2> "$work/log" &
server=$!
for _ in $(seq 300); do
    if [ -s "$work/ready" ]; then break; fi
    kill -0 "$server" 2> /dev/null || { cat "$work/log" >&2; exit 1; }
    sleep 0.2
done
address=$(sed -n 's|.*ready at ||p' "$work/ready")
python3 "$repository/packaging/ask.py" "$address" "$root/examples/cells/hsil.png"
kill -TERM "$server"
wait "$server"
server=
test -z "$(ls -A "$work/elsewhere")" || { echo "the server wrote into its working directory" >&2; exit 1; }

# A program without its files says where it looked and what to do.
cp "$root/secondlook" "$work/alone"
if "$work/alone" doctor --listen 127.0.0.1:0 > "$work/said" 2>&1; then
    echo "a program without its files found some: is secondlook installed on this machine?" >&2
else
    for words in "$work/elsewhere/runtime" "$work/runtime" /usr/lib/secondlook "make runtime" \
        "$work/models" /usr/share/secondlook/models "make model"; do
        grep -qF -- "$words" "$work/said" || { cat "$work/said"; echo "missing: $words" >&2; exit 1; }
    done
fi
rm -f "$work/secondlook" "$work/alone"
chmod -R u+w "$root"
echo "$(basename "$tarball") serves and answers as another user"
