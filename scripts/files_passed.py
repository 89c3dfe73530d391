#!/usr/bin/env python3
"""Prints the files whose code runs for one upload, for TTA that stops early, and for `make model`.

    scripts/files_passed.py [upload] [tta] [model]     all three when none is named

The script builds the programs again, under `target/coverage`, so that they count which functions
ran. A file counts if one of its functions ran more often with the request than without it: the
server starts and stops once with the request and once without. `model` is the trainer from images
to report, for one epoch, on the first IMAGES images of the folder $DATA (../shared/data/cric).

Needs `llvm-profdata` and `llvm-cov` of the compiler's LLVM (Debian: llvm-22), and `make runtime`.
"""

import argparse
import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "target" / "coverage"
IMAGES = 10
CELL = ROOT / "examples" / "cells" / "hsil.png"
LONGEST = 300


def tool(name):
    """A tool of the compiler's LLVM, from the path."""
    version = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    major = version.split("LLVM version: ")[1].split(".")[0]
    for candidate in [f"{name}-{major}", name]:
        if shutil.which(candidate):
            return candidate
    sys.exit(f"{name} of LLVM {major} is not on the path; Debian: apt-get install llvm-{major}")


def build(root):
    """Builds the programs of a checkout with counters for this repository's code."""
    target = root / "target" / "coverage"
    target.mkdir(parents=True, exist_ok=True)
    wrapper = target / "rustc-counting"
    wrapper.write_text('#!/bin/sh\nexec "$@" -C instrument-coverage -C opt-level=1\n')
    wrapper.chmod(0o755)
    workspace = (root / "crates").is_dir()
    parts = ["--workspace"] if workspace else ["--features", "trainer"]
    environment = dict(os.environ, RUSTC_WORKSPACE_WRAPPER=str(wrapper), LLVM_PROFILE_FILE="/dev/null")
    command = ["cargo", "build", "--release", "--locked", *parts, "--bins"]
    # Cargo names results by the wrapper, too: dependencies are shared with the usual build, these
    # crates are not.
    subprocess.run(command, cwd=root, env=environment, check=True)
    for program in ["secondlook", "secondlook-train"]:
        shutil.copy2(root / "target" / "release" / program, target / program)
    return target


def counts(program, profile):
    """How often each function of a file ran: {(file, function): count}."""
    merged = profile.with_suffix(".profdata")
    subprocess.run([tool("llvm-profdata"), "merge", "-sparse", str(profile), "-o", str(merged)], check=True)
    command = [tool("llvm-cov"), "export", str(program), f"-instr-profile={merged}", "-skip-expansions"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    ran = {}
    for function in found["data"][0]["functions"]:
        for file in function["filenames"]:
            key = (file, function["name"])
            ran[key] = ran.get(key, 0) + function["count"]
    return ran


def served(root, program, folder, name, request):
    """Starts the server, sends `request` if given, stops it, and returns the counts."""
    profile = folder / f"{name}.profraw"
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(profile), SECONDLOOK_LISTEN="127.0.0.1:18199", RUST_LOG="warn")
    server = subprocess.Popen([str(program), "serve"], cwd=root, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        try:
            urllib.request.urlopen("http://127.0.0.1:18199/health/ready").read()
            break
        except OSError:
            time.sleep(0.2)
    if request:
        path, body = request
        asked = urllib.request.Request(f"http://127.0.0.1:18199{path}", body, {"Content-Type": "image/png"})
        answer = json.loads(urllib.request.urlopen(asked).read())
        print(f"# {name}: {path} answered {answer['prediction']['label']}", file=sys.stderr)
    server.send_signal(signal.SIGTERM)
    server.wait()
    return counts(program, profile)


def passed(root, with_it, without):
    """Files of the checkout in which a function ran more often with the request."""
    files = set()
    for (file, function), count in with_it.items():
        path = Path(file)
        if count > without.get((file, function), 0) and path.is_relative_to(root) and "target" not in path.parts:
            files.add(path.relative_to(root))
    return sorted(files)


def request_files(root, target, folder, path):
    program = target / "secondlook"
    without = served(root, program, folder, "nothing", None)
    with_it = served(root, program, folder, "request", (path, CELL.read_bytes()))
    return passed(root, with_it, without)


def small_data(folder):
    """The first images of the data set with the most classes, as a data set of their own."""
    data = Path(os.environ.get("DATA", ROOT / ".." / "shared" / "data" / "cric")).resolve()
    with open(data / "classifications.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    cells = {}
    for row in rows:
        cells.setdefault(row["image_filename"], []).append(row["bethesda_system"])
    chosen = sorted(cells, key=lambda image: (-len(set(cells[image])), -len(cells[image]), image))[:IMAGES]
    (folder / "fields").mkdir(parents=True)
    with open(folder / "classifications.csv", "w", newline="") as table:
        writer = csv.DictWriter(table, rows[0].keys())
        writer.writeheader()
        writer.writerows(row for row in rows if row["image_filename"] in chosen)
    for image in chosen:
        (folder / "fields" / image).symlink_to(data / "fields" / image)
    return folder


def model_files(root, target, folder):
    program, profile = target / "secondlook-train", folder / "model.profraw"
    options = ["--data", str(small_data(folder / "data")), "--edge", "140", "--trunk", str(ROOT / "weights/efficientnet_lite0.onnx")]
    options += ["--work", str(folder / "work"), "--out", str(folder / "bundle"), "--report", str(folder / "report")]
    options += ["--folds", "2", "--num-epochs", "1", "--views", "8"]
    environment = dict(os.environ, LLVM_PROFILE_FILE=str(profile))
    subprocess.run([str(program), "model", *options], cwd=root, env=environment, check=True, stdout=subprocess.DEVNULL)
    return passed(root, counts(program, profile), {})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", choices=["upload", "tta", "model", []], help="what to measure [default: all]")
    parser.add_argument("--of", type=Path, default=ROOT, help="a checkout to measure instead of this one")
    arguments = parser.parse_args()
    root = arguments.of.resolve()
    target = build(root)
    for way in arguments.ways or ["upload", "tta", "model"]:
        with tempfile.TemporaryDirectory() as folder:
            if way == "upload":
                files = request_files(root, target, Path(folder), "/v1/predictions?method=mc_dropout")
            elif way == "tta":
                files = request_files(root, target, Path(folder), "/v1/predictions?method=tta")
            else:
                files = model_files(root, target, Path(folder))
        lines = {file: len((root / file).read_text().splitlines()) for file in files}
        print(f"## {way}: {len(files)} files")
        for file, count in lines.items():
            print(f"{count:5} {file}{'  MORE THAN ' + str(LONGEST) + ' LINES' if count > LONGEST else ''}")


if __name__ == "__main__":
    main()
