#!/usr/bin/env python3
"""Compares other servers with ours: the same model, cores and load, in turn.

The peers and the harness are those of SHARED/peers (see its README). Every peer and ours run the
same one-graph model in the same version of ONNX Runtime. A peer that does not install or start has
a line in the table with the reason.

The script needs only the standard library, and installs the peers below work/peers. It writes
work/bench/peers.md, peers.json and the lines of each round.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from peer_bench import bundles, fifty, table, venvs

ROOT = Path(__file__).resolve().parent.parent
SIZE = 224
IMAGES = 256
# Peers of the harness' peers.json whose virtual environment has another name.
VENV_OF = {"pytriton": "triton"}
START_OURS = ROOT / "scripts/peer_bench/start_ours.sh"


def options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=ROOT / "../shared", help="folder with peers/ and data/")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one measurement")
    parser.add_argument("--only", default="", help="peers, separated by commas [default: all]; ours is always measured")
    parser.add_argument("--phases", default="main,overload,fifty")
    parser.add_argument("--bundle", type=Path, default=ROOT / "models/cric-lite0", help="bundle whose trunk and heads are served")
    parser.add_argument("--work", type=Path, default=ROOT / "work/peers")
    parser.add_argument("--out", type=Path, default=ROOT / "work/bench")
    return parser.parse_args()


def venv_of(name):
    name = name.removesuffix("+limit")
    return VENV_OF.get(name, name)


def main():
    chosen = options()
    harness = chosen.shared.resolve() / "peers"
    if not (harness / "compare.py").is_file():
        sys.exit(f"{harness} has no compare.py: give the parent folder of the peers' harness with --shared, or SHARED=… to make")
    sys.path.insert(1, str(harness))
    peers = json.loads((harness / "peers.json").read_text())
    limited = json.loads((harness / "peers_limit.json").read_text())
    if chosen.only:
        peers, limited = ([peer for peer in of if peer["name"] in chosen.only.split(",")] for of in (peers, limited))

    for folder in (chosen.work, chosen.out, chosen.work / "logs"):
        folder.mkdir(parents=True, exist_ok=True)
    folder = chosen.work.resolve() / "venvs"
    # FastAPI's environment also runs the raw loop and the load generator.
    needed = sorted({"fastapi", *(venv_of(peer["name"]) for peer in peers + limited)})
    not_installed = venvs.make_all(folder, needed)
    for name in ("onnx", "fastapi"):
        if name in not_installed:
            sys.exit(f"{name}: {not_installed[name]}; nothing can be measured without it")
    model, one_graph, heads = prepare(chosen, harness, folder)
    ours = {"name": table.OURS, "script": str(START_OURS), "path": "/v1/predictions?method=baseline", **fifty.FORM, "env": {"BUNDLES": str(one_graph)}}

    problems = {peer["name"]: not_installed[venv] for peer in peers + limited if (venv := venv_of(peer["name"])) in not_installed}
    run = Harness(chosen, harness, folder, model)
    run.lines.unlink(missing_ok=True)
    run.agree(ours)
    works = [peer for peer in peers if peer["name"] not in problems] + [ours]
    phases = chosen.phases.split(",")
    if "main" in phases:
        run.compare(works, "main")
    if "overload" in phases:
        run.compare(works + [peer for peer in limited if peer["name"] not in problems], "overload")
    if "fifty" in phases:
        run.fifty({"script": str(START_OURS), "env": {"BUNDLES": str(heads)}})
    report(chosen, run, [*peers, *limited, ours], problems, folder)


def prepare(chosen, harness, folder):
    """Makes the model, the two bundles of ours with it, and the images."""
    model = chosen.work.resolve() / "model.onnx"
    make = ROOT / "scripts/peer_bench/make_model.py"
    subprocess.run([folder / "onnx/bin/python", make, chosen.bundle, str(SIZE), model], check=True)
    one_graph, heads = bundles.write(chosen.bundle, model, SIZE, chosen.work.resolve() / "models")
    crops, data = chosen.work / "crops", chosen.shared / "data/cric"
    if len(list(crops.glob("*.jpg"))) != IMAGES:
        cut = [folder / "fastapi/bin/python", harness / "prep_images.py", "--csv", data / "classifications.csv", "--fields", data / "fields"]
        subprocess.run([*cut, "--out", crops, "--n", str(IMAGES)], check=True)
    return model, one_graph, heads


class Harness:
    """The harness of the peers with the settings of this run."""

    def __init__(self, chosen, folder, venvs_folder, model):
        cores = sorted(os.sched_getaffinity(0))
        # Every server and the raw loop use the same two cores, the clients two others if there are
        # any.
        servers, clients = cores[:2], cores[2:4] or cores[:2]
        self.lines = (chosen.out / "peers.jsonl").resolve()
        self.folder, self.chosen = folder, chosen
        self.settings = {
            "model": str(model), "images": str((chosen.work / "crops").resolve()), "venvs": str(venvs_folder),
            "logs": str((chosen.work / "logs").resolve()), "out": str(self.lines), "python": str(venvs_folder / "fastapi/bin/python"),
            "server-cpus": ",".join(map(str, servers)), "client-cpus": ",".join(map(str, clients)), "workers": len(servers), "threads": 1,
        }

    def compare(self, peers, phase):
        """Runs compare.py on these peers; its own table goes to the logs."""
        listed = self.chosen.work.resolve() / f"peers_{phase}.json"
        listed.write_text(json.dumps(peers, indent=1))
        command = [self.settings["python"], self.folder / "compare.py", "--peers", listed, "--phases", phase]
        command += ["--rounds", str(self.chosen.rounds), "--seconds", str(self.chosen.seconds)]
        command += [text for key, value in self.settings.items() for text in (f"--{key}", str(value))]
        print(f"measuring ({phase}): {', '.join(peer['name'] for peer in peers)}", flush=True)
        log = Path(self.settings["logs"]) / f"compare_{phase}.log"
        with log.open("w") as file:
            if subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, check=False).returncode != 0:
                print(f"the harness stopped early: see {log}", file=sys.stderr)

    def one_by_one(self):
        """The harness' own class to start one server and send it requests."""
        from compare import Run  # of the harness

        return Run(SimpleNamespace(**{key.replace("-", "_"): value for key, value in self.settings.items()}))

    def agree(self, ours):
        """Ends the run unless ours answers as FastAPI does.

        The other peers import the same code for decoding and inference.
        """
        images = sorted((self.chosen.work / "crops").glob("*.jpg"))[:16]
        apart = fifty.disagreement(self.one_by_one(), ours, images)
        if apart is None:
            sys.exit(f"FastAPI or ours did not start, so their answers cannot be compared: see {self.settings['logs']}")
        print(f"largest difference of a probability between FastAPI and ours on {len(images)} images: {apart}", flush=True)
        if apart > fifty.TOLERANCE:
            sys.exit("ours and the peers answer differently, so they do not serve the same model: nothing was measured")

    def fifty(self, heads):
        print("measuring (fifty passes)", flush=True)
        # Fifty passes take a peer half a second; a shorter window could have no answer.
        fifty.measure(self.one_by_one(), self.chosen.rounds, max(4.0, self.chosen.seconds), heads)


def report(chosen, run, peers, problems, folder):
    """Prints and writes the table and the targets."""
    lines = [json.loads(line) for line in run.lines.read_text().splitlines()]
    results, names = table.Results(lines), [peer["name"] for peer in peers]
    versions = {name: venvs.version_of(folder, venv_of(name)) for name in names if name != table.OURS and name not in problems}
    # A peer that failed in one phase keeps its figures of the other phases.
    failed = sorted({f"{line['peer']} (round {line['round']})" for line in lines if line.get("kind") == "fail"})
    text = f"{machine()}; rounds: {chosen.rounds}.\n\n{table.markdown(results, names, problems, versions)}"
    if failed:
        text += f"\n\nDid not start: {', '.join(failed)}; see {chosen.work / 'logs'}"
    said = table.verdicts(results, names)
    print(f"\n{text}\n\n" + "\n".join(said))
    (chosen.out / "peers.md").write_text(text + "\n\n" + "\n".join(f"- {line}" for line in said) + "\n")
    figures = {name: results.figures(name) for name in names if name not in problems}
    written = {"figures": figures, "fifty": results.fifty(), "problems": problems, "failed": failed, "versions": versions, "verdicts": said}
    (chosen.out / "peers.json").write_text(json.dumps(written, indent=1))


def machine():
    """The machine and the revision."""
    lines = [*Path("/proc/cpuinfo").read_text().splitlines(), *Path("/proc/meminfo").read_text().splitlines()]
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    cores = len(os.sched_getaffinity(0))
    return f"Measured on: cores: {cores}; memory: {said.get('MemTotal', 'unknown')}; processor: {said.get('model name', 'unknown')}; revision: {revision or 'unknown'}"


if __name__ == "__main__":
    main()
