#!/bin/sh
# Tests the page in headless Chromium: `tests/browser/run.sh PROGRAM`. With PICTURES=folder a
# screenshot of every state is kept there.
set -eu
here=$(dirname "$0")
CHROMIUM=${CHROMIUM:-/usr/bin/chromium}
if [ ! -x "$CHROMIUM" ]; then
    echo "no Chromium at $CHROMIUM: install it (Debian: apt-get install --no-install-recommends chromium), or set CHROMIUM" >&2
    exit 2
fi
[ -d "$here/node_modules/playwright-core" ] || npm ci --prefix "$here" --no-audit --no-fund
export CHROMIUM SECONDLOOK_PROGRAM="$1"
npm test --prefix "$here"
