"""Bundles of the peers' model for our server: the one graph, and its parts with dropout masks."""

import hashlib
import shutil
import tomllib
from pathlib import Path

ONE_GRAPH, HEADS = "one-graph", "trunk-and-heads"

MANIFEST = """\
format = 1
name = "{name}"
version = "1"
licence = "{licence}"
description = "For the comparison with other servers only."

[training]
data = "see the bundle that it was made of"
commit = "{commit}"
seed = 1
cells = 1
images = 1

[input]
size = {size}
channels = "rgb"
resize = "bilinear"
crop_edge_px = 93
padding = "reflect"

[input.normalisation]
scale = 1.0
mean = [127.0, 127.0, 127.0]
std = [128.0, 128.0, 128.0]
{labels}
{graphs}"""

TRUNK = """
[trunk]
input = "image"
features = "features"
feature_count = {features}
statistics = "{statistics}"
statistic_count = {statistic_count}
[trunk.file]
name = "trunk.onnx"
sha256 = "{trunk}"

[methods.mc_dropout]
passes = 50
[methods.mc_dropout.head]
input = "features"
output = "logits"
scores = "logits"
[methods.mc_dropout.head.file]
name = "mc_dropout.onnx"
sha256 = "{mc_dropout}"
[methods.mc_dropout.sampling]
kind = "masks"
generator = "chacha8"
[[methods.mc_dropout.sampling.masks]]
input = "{mask[input]}"
width = {mask[width]}
drop_probability = {mask[drop_probability]}
"""

BASELINE = """
[methods.baseline.head]
input = "{input}"
output = "logits"
scores = "logits"
[methods.baseline.head.file]
name = "{file}"
sha256 = "{sha256}"
"""


def write(source, model, size, folder):
    """Writes both bundles below `folder`, each in a folder of models. Returns these folders."""
    manifest = tomllib.loads((source / "bundle.toml").read_text())
    one_graph, heads = folder / ONE_GRAPH, folder / HEADS
    place(one_graph / "cells", [model])
    baseline = BASELINE.format(input="x", file=model.name, sha256=digest(model))
    describe(one_graph / "cells", manifest, size, baseline)

    files = [source / name for name in ("trunk.onnx", "baseline.onnx", "mc_dropout.onnx")]
    place(heads / "cells", files)
    trunk, head, mc_dropout = (digest(file) for file in files)
    described = manifest["trunk"]
    parts = TRUNK.format(
        features=described["feature_count"], statistics=described["statistics"], statistic_count=described["statistic_count"],
        trunk=trunk, mc_dropout=mc_dropout, mask=manifest["methods"]["mc_dropout"]["sampling"]["masks"][0],
    )
    describe(heads / "cells", manifest, size, parts + BASELINE.format(input="features", file="baseline.onnx", sha256=head))
    return one_graph, heads


def place(bundle, files):
    bundle.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, bundle / file.name)


def describe(bundle, manifest, size, graphs):
    labels = "".join(f'\n[[labels]]\nname = "{label["name"]}"\nabnormal = {str(label["abnormal"]).lower()}\n' for label in manifest["labels"])
    text = MANIFEST.format(
        name=bundle.parent.name, licence=manifest["licence"], commit=manifest["training"]["commit"],
        size=size, labels=labels, graphs=graphs,
    )
    (bundle / "bundle.toml").write_text(text)


def digest(file):
    return hashlib.sha256(Path(file).read_bytes()).hexdigest()
