#!/usr/bin/env bash
# Makes work/release/secondlook_VERSION-1_ARCH.deb from the program in target/release, with
# cargo-deb (`make deb` installs it):
#
# packaging/deb.sh [PROGRAM]    default: target/release/secondlook; its man pages and completions
# are packaged
set -euo pipefail
cd "$(dirname "$0")/.."
. packaging/files.sh
program=${1:-target/release/secondlook}

rm -rf work/package
generated "$program" work/package
PATH=$PWD/work/tools/bin:$PATH cargo deb --no-build --no-strip --output work/release/
