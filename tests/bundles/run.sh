#!/bin/sh
# Runs docs/BUNDLES.md in a fresh virtual environment: `run.sh PROGRAM [options of run.py]`.
# PYTORCH=1 runs the lines that need PyTorch, too; its wheel is 540 MB. Everything is written
# into a temporary folder (1.7 GB with PyTorch, 0.5 GB without), which is removed in the end.
set -eu
program=$(realpath "$1")
shift
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

python3 -c 'import ensurepip' 2> /dev/null || {
    echo "the lines of docs/BUNDLES.md need a virtual environment; on Debian: apt-get install python3-venv" >&2
    exit 2
}
python3 -m venv "$folder/venv"
PATH=$folder/venv/bin:$PATH
install() {
    pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --requirement "$here/$1"
}
install requirements.txt
if [ "${PYTORCH:-0}" = 0 ]; then
    set -- --without-pytorch "$@"
else
    install requirements-pytorch.txt
    python "$here/cpu_torch.py"
fi
mkdir "$folder/work"
cd "$folder/work"
python "$here/run.py" "$program" "$@"
