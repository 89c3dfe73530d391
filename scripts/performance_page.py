#!/usr/bin/env python3
"""Writes the tables of docs/PERFORMANCE.md from the last results of `make bench`, `make bench-gpu`
and `make bench-peers`: `make performance`.

Each table is between two comments that name it. The text around them is kept, and so is a table
without new results.
"""

import json
import re
import shutil
import sys
import textwrap
from pathlib import Path

PAGE, RESULTS, RESULTS_ON_GPU = Path("docs/PERFORMANCE.md"), Path("work/bench"), Path("work/bench-gpu")
PLOT = "throughput.svg"
# Columns of the long table that the page shows; all of them are in serving.json.
LIMIT_COLUMNS = (
    "images/s", "throughput: server / loop", "CPU ms/image", "CPU per image: loop / server", "p50 ms", "p99 ms", "p50: server / loop", "refused",
)


def short(value):
    """The value as the benchmark prints it."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def distinct(values):
    return list(dict.fromkeys(values))


def part_table(part):
    """A table of medians. The longer side has the rows, as in the benchmark's own table."""
    figures = part["figures"]
    subjects, whats = distinct(figure["subject"] for figure in figures), distinct(figure["what"] for figure in figures)
    median = {(figure["subject"], figure["what"]): figure["median"] for figure in figures}
    if len(whats) > len(LIMIT_COLUMNS) and len(subjects) > len(whats):
        whats = [what for what in whats if what in LIMIT_COLUMNS]
        subjects = [subject for subject in subjects if any((subject, what) in median for what in whats)]
    is_turned = len(subjects) < len(whats)
    rows, columns = (whats, subjects) if is_turned else (subjects, whats)
    key = (lambda row, column: (column, row)) if is_turned else (lambda row, column: (row, column))
    lines = ["| | " + " | ".join(columns) + " |", "|---" + "|---:" * len(columns) + "|"]
    lines += [f"| {row} | " + " | ".join(short(median.get(key(row, column))) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def verdicts(part):
    """One line for each figure that missed its target, with its range; one line for the others."""
    lines, reached = [], {}
    for figure in part["figures"]:
        if not figure["asked"]:
            continue
        median = short(figure["median"])
        if figure["reached"]:
            reached.setdefault(f"{figure['what']} {figure['asked']}", []).append(f"{figure['subject']}: {median}")
        else:
            spread = f"{median} [{short(figure['least'])}, {short(figure['most'])}]"
            lines.append(f"- {figure['subject']}: {figure['what']}: {spread}, target {figure['asked']}: **missed**")
    if reached:
        others = "others " if lines else ""
        count = sum(map(len, reached.values()))
        lines.append(f"- {count} {others}reached: " + "; ".join(f"{asked} ({'; '.join(named)})" for asked, named in reached.items()))
    return "\n".join(lines)


def serving(results):
    machine = "; ".join(f"{key}: {value}" for key, value in results["machine"].items())
    blocks = [f"Measured on: {machine}. {results['rounds']} rounds."]
    for part in results["parts"]:
        blocks += [f"### {part['title']}", part_table(part), verdicts(part)]
    return "\n\n".join(block for block in blocks if block)


def wrapped(block):
    """The block with its prose and lists in lines of at most 100 columns; tables keep theirs."""
    lines = []
    for line in block.splitlines():
        if line.startswith(("|", "#")) or not line:
            lines.append(line)
            continue
        indent = "  " if line.startswith("- ") else ""
        lines += textwrap.wrap(line, 100, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def put(text, name, block):
    """Replaces the text between the comments of this name."""
    block = wrapped(block)
    pattern = rf"(<!-- {name} -->\n).*?(\n<!-- end of {name} -->)"
    text, count = re.subn(pattern, lambda found: found[1] + block + found[2], text, flags=re.S)
    if count != 1:
        sys.exit(f"{PAGE} needs the comments <!-- {name} --> and <!-- end of {name} -->, once each")
    return text


def main():
    text = PAGE.read_text()
    loop, peers, gpu = RESULTS / "serving.json", RESULTS / "peers.md", RESULTS_ON_GPU / "serving.json"
    if not any(file.is_file() for file in (loop, peers, gpu)):
        sys.exit(f"{RESULTS} has no results: run `make bench`, `make bench-gpu` or `make bench-peers` first")
    if loop.is_file():
        text = put(text, "make bench", serving(json.loads(loop.read_text())))
        shutil.copyfile(RESULTS / PLOT, PAGE.parent / PLOT)
    if peers.is_file():
        text = put(text, "make bench-peers", peers.read_text().strip())
    if gpu.is_file():
        text = put(text, "make bench-gpu", serving(json.loads(gpu.read_text())))
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
