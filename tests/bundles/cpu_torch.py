"""Makes PyTorch's wheel usable without NVIDIA's, after `pip install --no-deps torch`.

On Linux x86-64 that wheel is linked with CUDA, which is 3 GB of further wheels. An export on the
processor calls nothing of it, but the loader wants every library and symbol. This writes empty
libraries with those names beside PyTorch's own. On other systems nothing is missing, and it does
nothing. For tests only: `torch.cuda` does not work afterwards.
"""

import importlib.util
import re
import subprocess
from pathlib import Path

CUDA = r"(?:__)?(?:cu|nv|nccl)\w+"
# The symbols need a file of their own: glibc refuses them in a library whose version is asked for.
SYMBOLS = "libempty_cuda.so"


def readelf(path, option):
    command = ["readelf", "--wide", option, path]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def build(folder, name, source, *libraries):
    command = ["cc", "-shared", "-fPIC", "-w", "-x", "c", "-", "-o", folder / name]
    command += [f"-Wl,-soname,{name}", "-Wl,-rpath,$ORIGIN", "-Wl,--no-as-needed", f"-L{folder}"]
    subprocess.run([*command, *libraries], input=source, text=True, check=True)


def main():
    folder = Path(importlib.util.find_spec("torch").submodule_search_locations[0], "lib")
    libraries = [path for path in folder.glob("*.so*") if path.name != SYMBOLS]
    if not (folder / "libtorch_cuda.so").exists():
        return
    needed, symbols = set(), set()
    for library in libraries:
        needed.update(re.findall(r"\(NEEDED\).*\[(lib(?:cu|nv|nccl)[^]]*)\]", readelf(library, "-d")))
        symbols.update(re.findall(rf" UND ({CUDA})", readelf(library, "--dyn-syms")))
    build(folder, SYMBOLS, "".join(f"long {name}(void) {{ return 0; }}\n" for name in sorted(symbols)))
    for name in sorted(needed - {library.name for library in libraries}):
        build(folder, name, "", "-lempty_cuda")


if __name__ == "__main__":
    main()
