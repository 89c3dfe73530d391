#!/usr/bin/env bash
# Sourced by the packaging scripts.

# The version of Cargo.toml.
version() {
    sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml
}

# Writes completion scripts and man pages, made by the program itself: `generated PROGRAM FOLDER`.
generated() {
    mkdir -p "$2/completions"
    "$1" completions bash > "$2/completions/secondlook.bash"
    "$1" completions zsh > "$2/completions/_secondlook"
    "$1" completions fish > "$2/completions/secondlook.fish"
    "$1" man "$2/man"
}
