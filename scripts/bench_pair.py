#!/usr/bin/env python3
"""Compares two builds of the server by the measurements of `make bench-serving`, in turn.

    bench_pair.py OLD NEW [--pairs 6] [-- --only limit,field,stopping --seconds 0.5]

OLD and NEW are programs `secondlook`. Arguments after `--` go to bench-serving. Run the script in a
folder whose `config/secondlook.toml` has only keys that both know, such as a checkout of OLD. Each
pair measures OLD and NEW once, in alternating order.

It prints the cost of NEW divided by that of OLD, for every figure that is a ratio within one run.
More than 1 is worse. Each line has the geometric mean over the pairs and its 95% interval
(Student's t on the logarithms). Plain times and rates are left out: they follow the machine more
than the program.

Exit code 1: an interval is wholly above --limit.
"""

import argparse
import json
import math
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# Quantiles .975 of Student's t for 1 to 15 degrees of freedom
STUDENT = [12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13]
# Figures with this in their name are ratios within one run.
RATIO = " / "
# Of these figures more is better, of all others less.
MORE_IS_BETTER = ("loop / server", "throughput", "goodput")


def arguments():
    parser = argparse.ArgumentParser(description="compares two builds of the server", allow_abbrev=False)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--pairs", type=int, default=6, choices=range(2, 17), metavar="2-16")
    parser.add_argument("--limit", type=float, default=1.03)
    parser.add_argument("--bench", type=Path, default=Path("target/release/bench-serving"))
    own, _, passed = " ".join(sys.argv[1:]).partition(" -- ")
    return parser.parse_args(own.split()), passed.split()


def folder_of(program, bench, parent):
    """A folder with copies of both programs: bench-serving runs the server beside itself."""
    folder = parent / program.parent.name / program.name / str(len(list(parent.iterdir())))
    folder.mkdir(parents=True)
    shutil.copy2(program, folder / "secondlook")
    shutil.copy2(bench, folder / "bench-serving")
    return folder


def measure(folder, options):
    out = folder / "results"
    command = [folder / "bench-serving", "--rounds", "1", "--out", out, *options]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{folder / 'bench-serving'} failed in {Path.cwd()}: {done.stderr.strip()}")
    return figures(json.loads((out / "serving.json").read_text()))


def figures(node):
    """Every {subject, what, rounds} in the results, at whatever depth."""
    if isinstance(node, dict) and {"subject", "what", "rounds"} <= node.keys():
        return {(node["subject"], node["what"]): sum(node["rounds"]) / len(node["rounds"])}
    children = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    found = {}
    for child in children:
        found |= figures(child)
    return found


def summary(ratios):
    logs = [math.log(ratio) for ratio in ratios]
    mean = sum(logs) / len(logs)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in logs) / (len(logs) - 1))
    reach = STUDENT[len(logs) - 2] * deviation / math.sqrt(len(logs))
    return tuple(math.exp(value) for value in (mean, mean - reach, mean + reach))


def main():
    options, passed = arguments()
    ratios = {}
    with tempfile.TemporaryDirectory() as parent:
        folders = [folder_of(program, options.bench, Path(parent)) for program in (options.old, options.new)]
        for pair in range(options.pairs):
            order = (0, 1) if pair % 2 == 0 else (1, 0)
            measured = {which: measure(folders[which], passed) for which in order}
            old, new = measured[0], measured[1]
            for key in old.keys() & new.keys():
                if RATIO in " ".join(key) and old[key] > 0 and new[key] > 0:
                    ratio = new[key] / old[key]
                    better = any(words in key[1] for words in MORE_IS_BETTER)
                    ratios.setdefault(key, []).append(1 / ratio if better else ratio)
            print(f"pair {pair + 1} of {options.pairs}", file=sys.stderr, flush=True)
    worse = False
    for key, values in sorted(ratios.items()):
        if len(values) < 2:
            continue
        mean, low, high = summary(values)
        is_worse = low > options.limit
        worse |= is_worse
        print(f"{mean:6.3f} [{low:.3f}, {high:.3f}] {'WORSE' if is_worse else '     '} {key[0]}: {key[1]}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
