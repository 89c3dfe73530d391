#!/usr/bin/env bash
# Makes work/release/secondlook-VERSION-TARGET.tar.gz and its .sha256 from a program that is built
# already:
#
#   packaging/tarball.sh [PROGRAM] [FOLDER]    default: target/release/secondlook work/release
#
# The runtime library comes from runtime/ (`make runtime`). TARGET, if set, replaces the host's
# target triple in the name.
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/files.sh
program=${1:-target/release/secondlook}
out=${2:-work/release}

if ! ls runtime/libonnxruntime.* > /dev/null 2>&1; then
    echo "tarball: no libonnxruntime in runtime/: run \`make runtime\` first" >&2
    exit 2
fi
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
name=secondlook-$(version)-$target
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/$name

mkdir -p "$root/runtime" "$root/models" "$root/config" "$root/examples"
install -m 755 "$program" "$root/secondlook"
cp runtime/libonnxruntime.* "$root/runtime/"
cp -R models/cric-lite0 "$root/models/"
cp config/secondlook.toml "$root/config/"
cp LICENSE THIRD_PARTY.md "$root/"
cp docs/INSTALL.md "$root/INSTALL.md"
cp -R examples/cells "$root/examples/"
cp packaging/secondlook.service packaging/nginx.conf packaging/Caddyfile "$root/config/"
generated "$program" "$root"
chmod -R u=rwX,go=rX "$root"

mkdir -p "$out"
# GNU tar only: the same owner and order on every machine.
options=()
if tar --version | grep -q GNU; then options=(--sort=name --owner=0 --group=0 --numeric-owner); fi
tar -C "$stage" ${options[@]+"${options[@]}"} -czf "$out/$name.tar.gz" "$name"
sum=(sha256sum)
command -v sha256sum > /dev/null || sum=(shasum -a 256)
(cd "$out" && "${sum[@]}" "$name.tar.gz" > "$name.tar.gz.sha256")
echo "$out/$name.tar.gz"
