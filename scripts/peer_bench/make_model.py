"""Joins a bundle's trunk and baseline head into one graph: x [n, 3, 224, 224] -> logits [n, C].

Runs in the environment that holds `onnx`: make_model.py BUNDLE SIZE OUT
"""

import sys
from pathlib import Path

import onnx
from onnx import compose, utils


def main(bundle, size, out):
    trunk, head = onnx.load(bundle / "trunk.onnx"), onnx.load(bundle / "baseline.onnx")
    head = compose.add_prefix(head, "head_")
    whole = compose.merge_models(trunk, head, io_map=[("features", "head_features")], outputs=["head_logits"])
    del whole.opset_import[1:]  # merging lists the operator set twice
    rename(whole, {"image": "x", "head_logits": "logits"})
    fix_size(whole.graph.input[0], size)
    fix_size(whole.graph.output[0], None)
    onnx.checker.check_model(whole, full_check=True)
    onnx.save(whole, out)
    # The statistics of a middle layer are not needed any more.
    utils.extract_model(str(out), str(out), ["x"], ["logits"])


def rename(model, names):
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in [*model.graph.input, *model.graph.output]:
        value.name = names.get(value.name, value.name)


def fix_size(value, size):
    """Frees the batch axis; sets height and width."""
    dimensions = value.type.tensor_type.shape.dim
    dimensions[0].dim_param = "n"
    if size is not None:
        for dimension in dimensions[2:]:
            dimension.dim_value = size


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
