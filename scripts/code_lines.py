#!/usr/bin/env python3
"""Counts the lines of Rust code by crate with tokei.

Blank lines, comments, tests and generated code do not count.

    scripts/code_lines.py                  this repository
    scripts/code_lines.py --before FOLDER  and an older checkout beside it

Needs `tokei` on the path (`cargo install tokei`).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Folders of the earlier single package whose crate has another name.
FOLDERS = {"training": "trainer"}
CRATES = ["uncertainty", "imaging", "bundle", "engine", "evaluation", "quantise", "trainer", "testkit"]
TEST_ITEM = re.compile(r"^#\[cfg\(test\)\]\n", re.MULTILINE)


def crate_of(path):
    """The crate of a source file, also of the earlier single package; None for tests."""
    parts = path.parts
    if "tests" in parts or path.name in ("tests.rs", "build.rs"):
        return None
    if parts[0] == "crates":
        return parts[1]
    if parts[0] == "benches":
        return "benches"
    if parts[0] != "src":
        return None
    folder = FOLDERS.get(parts[1], parts[1])
    return folder if folder in CRATES else "secondlook"


def without_tests(text):
    """The text without items under `#[cfg(test)]`.

    rustfmt ends each item with a semicolon or with a brace at the start of a line.
    """
    while True:
        found = TEST_ITEM.search(text)
        if not found:
            return text
        first_line_end = text.index("\n", found.end())
        end = first_line_end
        if not text[found.end() : first_line_end].endswith(";"):
            end = text.index("\n}", found.end()) + 2
        text = text[: found.start()] + text[end:].lstrip("\n")


def lines(root):
    """Lines of code by crate."""
    listed = subprocess.run(["git", "ls-files", "*.rs"], cwd=root, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in listed.stdout.split():
            crate = crate_of(Path(name))
            text = (root / name).read_text() if crate else ""
            if not crate or "@generated" in text[:300]:
                continue
            copy = Path(folder) / crate / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(without_tests(text))
        counted = {}
        for crate in sorted(Path(folder).iterdir()):
            told = subprocess.run(["tokei", "-o", "json", str(crate)], capture_output=True, text=True, check=True)
            counted[crate.name] = json.loads(told.stdout)["Rust"]["code"]
    return counted


def main():
    if not shutil.which("tokei"):
        sys.exit("tokei is not on the path: cargo install tokei")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="a checkout to compare with")
    arguments = parser.parse_args()
    now = lines(ROOT)
    before = lines(arguments.before.resolve()) if arguments.before else {}
    print("| crate | before | now |\n|---|---|---|" if before else "| crate | lines |\n|---|---|")
    for crate in sorted(set(now) | set(before)):
        row = [before.get(crate, 0), now.get(crate, 0)] if before else [now[crate]]
        print(f"| {crate} | {' | '.join(str(value) for value in row)} |")
    totals = [sum(before.values()), sum(now.values())] if before else [sum(now.values())]
    print(f"| all | {' | '.join(str(value) for value in totals)} |")


if __name__ == "__main__":
    main()
