#!/usr/bin/env python3
"""Measures the CPU time of a rebuild after one changed line, and writes CONTRIBUTING.md's table.

CPU-seconds are the user and system time of cargo and its child processes. Each case is built once
without being counted. Then the script adds a line to a file, measures the same command, and
restores the file.

    scripts/rebuild_cost.py                     this repository
    scripts/rebuild_cost.py --before FOLDER     and a checkout of 0727554, when all was one package
    scripts/rebuild_cost.py --from-nothing      and a build without anything compiled before

It takes ten minutes on two cores, and as long again for each option. Stop other programs first.
"""

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
START, END = "<!-- rebuild cost -->\n", "<!-- end of rebuild cost -->"

CARGO = ["cargo"]
PROFILE = ["--release", "--locked"]

# The change; the kind of command; the file that changes, in this repository and in the earlier
# single package.
CASES = [
    ("a line in `uncertainty`: its tests, built and run", "tests", "crates/uncertainty/src/measure.rs", "src/uncertainty/paper.rs"),
    ("a line in `uncertainty`: the server", "server", "crates/uncertainty/src/measure.rs", "src/uncertainty/paper.rs"),
    ("a line in `api`: the server", "server", "src/api/operations.rs", "src/api/health.rs"),
]
FROM_NOTHING = "from nothing: the server, the trainer and all tests, built"


def command(kind, workspace):
    """The command of a case. The single package builds the tests of a module with all others."""
    if kind == "server":
        all_features = ["--workspace"] if workspace else []
        return [*CARGO, "build", *PROFILE, *all_features, "--bin", "secondlook"]
    if workspace:
        return [*CARGO, "test", *PROFILE, "--package", "uncertainty"]
    return [*CARGO, "test", *PROFILE, "--lib", "--test", "oracles", "--", "uncertainty", "calibration", "ood", "risk_control"]


def everything(workspace):
    """The command that builds all programs and tests."""
    all_parts = ["--workspace"] if workspace else ["--features", "trainer"]
    return [*CARGO, "test", *PROFILE, *all_parts, "--no-run"]


def cpu_seconds(arguments, folder, target=None):
    """User and system time of a command and its children."""
    environment = dict(os.environ)
    if target:
        environment["CARGO_TARGET_DIR"] = target
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(arguments, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def after_a_line(arguments, folder, file):
    """CPU-seconds of a command after a line was added to a file."""
    subprocess.run(arguments, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    path = folder / file
    content = path.read_bytes()
    try:
        path.write_bytes(content + b"// one line more\n")
        return cpu_seconds(arguments, folder)
    finally:
        path.write_bytes(content)


def measure(folder, from_nothing):
    """CPU-seconds by case."""
    workspace = (folder / "crates").is_dir()
    figures = {}
    for name, kind, here, before in CASES:
        file = here if workspace else before
        figures[name] = after_a_line(command(kind, workspace), folder, file)
    if not from_nothing:
        return figures
    target = tempfile.mkdtemp()
    try:
        figures[FROM_NOTHING] = cpu_seconds(everything(workspace), folder, target)
    finally:
        shutil.rmtree(target)
    return figures


def table(now, before):
    """The table in Markdown."""
    lines = ["| CPU-seconds to rebuild after | as one package | now |", "|---|---|---|"]
    for name, seconds in now.items():
        once = f"{before[name]:.0f}" if name in before else "not measured"
        lines.append(f"| {name} | {once} | {seconds:.0f} |")
    return "\n".join(lines) + "\n"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--before", type=Path, help="a checkout of the commit in which all was one package")
    options.add_argument("--from-nothing", action="store_true", help="also measure a build from nothing")
    chosen = options.parse_args()
    before = measure(chosen.before.resolve(), chosen.from_nothing) if chosen.before else {}
    written = table(measure(ROOT, chosen.from_nothing), before)
    page = PAGE.read_text()
    head, rest = page.split(START)
    _, tail = rest.split(END)
    PAGE.write_text(head + START + written + END + tail)
    print(written, end="")


if __name__ == "__main__":
    main()
