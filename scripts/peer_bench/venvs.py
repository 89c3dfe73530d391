"""A virtual environment for each peer, made once."""

import shutil
import subprocess
import sys
from pathlib import Path

# The server's own version of the runtime (scripts/fetch_runtime.py), so that all use the same one.
RUNTIME = "onnxruntime==1.31.1"
# Versions are those of the peers' README. The first package is the peer itself.
PACKAGES = {
    "fastapi": ["fastapi", "uvicorn[standard]", "python-multipart"],
    "litserve": ["litserve>=0.2,<0.3", "python-multipart"],
    "bentoml": ["bentoml>=1.4,<1.5"],
    "mlserver": ["mlserver>=1.7,<1.8", "uvloop<0.22"],
    "ray": ["ray[serve]", "python-multipart"],
    "triton": ["nvidia-pytriton", "numpy<2"],
}
# Not a peer: makes the model.
ONNX = ["onnx"]
NAMES = {"uvicorn[standard]": "uvicorn", "ray[serve]": "ray"}


def interpreter():
    """Python 3.11, Debian's own if installed: Triton's backend loads no other."""
    found = [path for path in ("/usr/bin/python3.11", shutil.which("python3.11"), sys.executable) if path and Path(path).exists()]
    return found[0]


def make(folder, name, packages):
    """Makes one environment unless it exists. Returns the error, or None."""
    venv, stamp = folder / name, folder / name / "installed"
    wanted = "\n".join(packages)
    if stamp.is_file() and stamp.read_text() == wanted:
        return None
    print(f"installing {name}", flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.log").open("w") as log:
        for command in ([interpreter(), "-m", "venv", venv], [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", *packages]):
            if subprocess.run(command, stdout=log, stderr=log, check=False).returncode != 0:
                return f"not installed: see {folder / name}.log"
    stamp.write_text(wanted)
    return None


def make_all(folder, names):
    """Makes the environments of these peers and of the model. Returns the errors by name."""
    problems = {"onnx": make(folder, "onnx", ONNX)}
    for name in names:
        problems[name] = make(folder, name, [RUNTIME, "pillow", "numpy", *PACKAGES[name]])
    return {name: problem for name, problem in problems.items() if problem}


def version_of(folder, name):
    """The version of the peer's own package."""
    package = NAMES.get(PACKAGES[name][0], PACKAGES[name][0]).split(">")[0]
    code = f"import importlib.metadata as m; print(m.version('{package}'))"
    done = subprocess.run([folder / name / "bin/python", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"
