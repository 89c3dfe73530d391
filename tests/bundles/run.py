"""Runs docs/BUNDLES.md: `run.py PROGRAM [--without-pytorch] [--write]`, in an empty working folder.

Every `python` and `sh` block runs in the page's order; a `toml` block that names its file is saved.
Then every bundle that the page made is checked, and has been compared with its framework. Broken
bundles give the page's table of errors: `--write` writes it, otherwise it must be up to date.
"""

import argparse
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs/BUNDLES.md"
TABLE = re.compile(r"(<!-- errors: .*? -->\n).*?(<!-- end of errors -->)", re.DOTALL)
BLOCK = re.compile(r"^```(\w+)( pytorch)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MODELS = Path("my_models")
# Columns of an error in the table; the beginning is enough to find it.
LONGEST = 160


def network(path, channels_last=False, ends="Softmax", half=False, seed=0, classes=3, size=128,
            input_name="image", output="probabilities", batch="n"):
    """A small graph of convolution, mean and linear layer, as people bring them."""
    random = np.random.default_rng(seed)
    dtype, kind = (np.float16, TensorProto.FLOAT16) if half else (np.float32, TensorProto.FLOAT)
    weights = {
        "kernel": random.normal(size=(8, 3, 5, 5)) / 8,
        "matrix": random.normal(size=(8, classes)),
        "bias": random.normal(size=classes) / 4,
    }
    nodes = []
    image = input_name
    if channels_last:
        nodes.append(helper.make_node("Transpose", [image], ["planes"], perm=[0, 3, 1, 2]))
        image = "planes"
    scores = output if not ends else "scores"
    nodes += [
        helper.make_node("Conv", [image, "kernel"], ["maps"], strides=[4, 4]),
        helper.make_node("Relu", ["maps"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Gemm", ["features", "matrix", "bias"], [scores]),
    ]
    if ends:
        nodes.append(helper.make_node(ends, ["scores"], [output]))
    shape = [batch, size, size, 3] if channels_last else [batch, 3, size, size]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(input_name, kind, shape)],
        [helper.make_tensor_value_info(output, kind, [batch, classes])],
        [numpy_helper.from_array(value.astype(dtype), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return model


def bring_models():
    """The files that the section on conversions starts from, but for ZipMap's."""
    theirs = Path("theirs")
    network(theirs / "sigmoid.onnx", ends="Sigmoid", classes=1, output="p")
    for k in range(3):
        network(theirs / f"member-{k}.onnx", ends=None, output="logits", seed=k)
    network(theirs / "bgr.onnx", input_name="bgr")
    network(theirs / "nhwc.onnx", channels_last=True, input_name="pixels")
    network(theirs / "half.onnx", half=True, input_name="half", output="half_probabilities")
    outside = network(theirs / "whole.onnx")
    onnx.save(outside, theirs / "external.onnx", save_as_external_data=True,
              location="external.onnx.data", size_threshold=0)


def bring_zipmap(names):
    """The classifier of the page, converted with the defaults of skl2onnx."""
    pixels = 3 * names["SIZE"] ** 2
    model = convert_sklearn(names["classifier"], target_opset=17,
                            initial_types=[("pixels", FloatTensorType([None, pixels]))])
    onnx.save(model, "theirs/zipmap.onnx")


def run_page(text, with_pytorch):
    """Runs every block; returns the names that they defined and which bundles were compared."""
    names, compared = {"__name__": "page"}, set()
    blocks = list(BLOCK.finditer(text))
    assert blocks, "the page has no blocks"
    for found in blocks:
        language, needs_pytorch, code = found.groups()
        line = text.count("\n", 0, found.start()) + 2
        if needs_pytorch and not with_pytorch:
            continue
        started = time.monotonic()
        if language == "python":
            if "theirs/zipmap.onnx" in code:
                bring_zipmap(names)
            exec(compile("\n" * (line - 1) + code, PAGE, "exec"), names)
            if "def compare(" in code:
                plain = names["compare"]

                def compare(name, *arguments, plain=plain, **options):
                    plain(name, *arguments, **options)
                    compared.add(name)

                names["compare"] = compare
        elif language == "sh":
            subprocess.run(["bash", "-euc", code], check=True)
        elif language == "toml" and code.startswith("# "):
            path = Path(code.splitlines()[0].removeprefix("# "))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(code)
            if not with_pytorch:
                network(path.parent / "model.onnx", ends=None, output="logits")
        print(f"BUNDLES.md:{line}: {language} ran in {time.monotonic() - started:.1f} s", flush=True)
    return names, compared


def answer(name, *options):
    command = ["secondlook", "predict", "examples/cells/hsil.png", "--models", MODELS]
    command += ["--model", name, "--samples", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def compare_draws(name, possible, *options):
    """Every sample is one of the framework's possible answers, and they are not all the same."""
    values = np.array(answer(name, *options)["samples"]["values"])
    away = np.abs(values[:, None] - possible.numpy()[None]).max(axis=2).min(axis=1)
    assert away.max() < 1e-4, (name, away.max())
    assert len(np.unique(values.round(5), axis=0)) > 1, f"{name} does not draw"
    print(f"{name}: {len(values)} samples, the largest difference is {away.max():.1e}")


def check_draws(names, compared):
    """Dropout of 8 units gives one of 256 answers, a turned image one of 8."""
    import torch

    masks = torch.tensor(list(itertools.product([0.0, 1.0], repeat=8)))
    network_, cell = names["network"], names["cell"]
    with torch.no_grad():
        dropped = network_[:4](cell) * masks / 0.5
        possible = torch.softmax(network_[-1](dropped), dim=1)
        turned = [torch.rot90(flipped, turns, (2, 3))
                  for flipped in (cell, cell.flip(3)) for turns in range(4)]
        views = torch.cat([torch.softmax(network_(view), dim=1) for view in turned])
    for name in ("active-dropout", "in-graph", "trunk-and-heads"):
        compare_draws(name, possible, "--method", "mc_dropout")
        compared.add(name)
    compare_draws("trunk-and-heads", views, "--method", "tta")
    seeded = [answer("trunk-and-heads", "--method", "mc_dropout", "--seed", "7") for _ in range(2)]
    assert seeded[0]["samples"] == seeded[1]["samples"], "a seed must repeat the answer"
    assert seeded[0]["ood"]["p_value"] <= 1


def check_bundles(text, compared):
    """Every bundle of the page is sound, and was compared; a policy of one's own decides."""
    made = {manifest.parent.name for manifest in MODELS.glob("*/bundle.toml")}
    subprocess.run(["secondlook", "bundles", "check", *sorted(MODELS.iterdir())], check=True)
    assert made == compared, f"not compared with a framework: {sorted(made - compared)}"
    policy = next(code for language, _, code in BLOCK.findall(text)
                  if language == "toml" and "policies" in code)
    manifest = MODELS / "scikit-learn/bundle.toml"
    manifest.write_text(manifest.read_text() + policy)
    decision = answer("scikit-learn", "--policy", "surest")["decision"]
    assert decision["policy"] == "surest", decision
    assert answer("scikit-learn")["decision"]["reasons"][-1] == "no_policy"


class Broken:
    """Bundles with one fault each, and what `bundles check` says of them."""

    def __init__(self, write_bundle):
        self.write_bundle = write_bundle
        self.rows = []
        # write_bundle writes below my_models; nothing else of the page is needed any more.
        shutil.rmtree(MODELS / "broken", ignore_errors=True)

    def say(self, advice, *changes, build=lambda path: network(path), methods=None, after=None):
        folder = MODELS / "broken"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        build(folder / "model.onnx")
        self.write_bundle("broken", methods or BASELINE, *changes)
        if after:
            after(folder)
        done = subprocess.run(["secondlook", "bundles", "check", folder], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True)
        assert done.returncode != 0, (advice, done)
        lines = done.stderr.strip().splitlines()
        assert lines, advice
        said = " ".join(line.strip() for line in lines).removeprefix("secondlook: ").replace(str(folder.resolve()), "DIR")
        said = said.replace(str(folder), "DIR").replace("|", "\\|")
        said = re.sub(r"[0-9a-f]{64}|-?\d\.\d{4}(?=,| to| that|:)", "…", said)
        # What ONNX Runtime itself says is not ours to quote.
        said = re.sub(r"((?:refused by ONNX Runtime|onnx runtime):) .*", r"\1 …", said)
        if len(said) > LONGEST:
            said = said[:LONGEST].rsplit(" ", 1)[0] + " …"
            said += "`" * (said.count("`") % 2)
        tick = "``" if "`" in said else "`"
        pad = " " if "`" in said else ""
        self.rows.append(f"| {tick}{pad}{said}{pad}{tick} | {advice} |")
        shutil.rmtree(folder)

    def table(self):
        return "| it says | do this |\n|---|---|\n" + "\n".join(self.rows) + "\n"


BASELINE = """
[methods.baseline.head]
file = { name = "model.onnx" }
input = "image"
output = "probabilities"
scores = "probabilities"
"""
ACTIVE = """
[methods.mc_dropout]
passes = 4
sampling = { kind = "active_dropout" }

[methods.mc_dropout.head]
file = { name = "model.onnx" }
input = "image"
output = "probabilities"
scores = "probabilities"
"""


def errors(names):
    """The table of the page's last section."""
    broken = Broken(names["write_bundle"])
    say = broken.say
    say("Put a `bundle.toml` into the folder, or name the folder that has it.",
        after=lambda folder: (folder / "bundle.toml").unlink())
    say("Remove the key, or correct its spelling.", ("size = 128", "size = 128\nsise = 128"))
    say("Add the key; [the tables](#keys-of-bundletoml) say what it means.",
        ('padding = "reflect"\n', ""))
    say("Rename the bundle.", ('name = "broken"', 'name = "My Cells"'))
    say("Set `abnormal = true`, or remove `high_grade`.",
        ('"NILM", abnormal = false', '"NILM", abnormal = false, high_grade = true'))
    say("Write the digest anew (step 3 of the first example).",
        after=lambda folder: network(folder / "model.onnx", seed=1))
    say("Copy the file into the folder.", after=lambda folder: (folder / "model.onnx").unlink())
    say("[Save it as one file](#external-data).", build=lambda path: onnx.save(
        network(path), path, save_as_external_data=True, location="model.onnx.data",
        size_threshold=0))
    say("Write the name that the message lists, or export with `input_names`.",
        build=lambda path: network(path, input_name="input_1"))
    say("Write the name that the message lists, or export with `output_names`.",
        build=lambda path: network(path, output="softmax_7"))
    say("Write the size that the graph wants into `input.size`.",
        build=lambda path: network(path, size=224))
    say("[Transpose in the graph](#nhwc-layout).",
        build=lambda path: network(path, channels_last=True))
    say("List the classes that the network was trained on, in its order.",
        ('  { name = "LSIL", abnormal = true },\n', ""))
    say("[Give both classes](#one-sigmoid-output).",
        build=lambda path: network(path, ends="Sigmoid", classes=1))
    say("[Take the tensor before it](#zipmap).", build=zipmap)
    say("[Cast](#16-bit-floats).", build=lambda path: network(path, half=True))
    say("The scores are logits: write `scores = \"logits\"`.",
        build=lambda path: network(path, ends=None))
    say("Several sigmoids are not one distribution over classes: "
        "[see above](#one-sigmoid-output).", build=lambda path: network(path, ends="Sigmoid"))
    say("Find the operation in the network that gives NaN.", build=not_finite)
    say("[Keep dropout active](#active-dropout) when you export.", methods=ACTIVE)
    say("Export it again with an open first axis (`dynamic_shapes`).", methods=ACTIVE,
        build=lambda path: network(path, batch=1))
    say("Make the further input a constant of the graph.", build=two_inputs)
    say("Choose a policy that is in the list and has a certificate, or remove `default_policy`.",
        methods=BASELINE + '[calibration.baseline]\ntemperature = 1.0\ncells = 0\nimages = 0\n'
        'default_policy = "none"\n')
    say("Export it again with a newer operator set (`opset_version=17`).", build=too_old)
    say("Use only operators of ONNX, in an operator set that this ONNX Runtime knows; the message "
        "names the node.", build=unknown_operator)
    return broken.table()


def zipmap(path):
    network(path, ends=None, output="logits")
    model = onnx.load(path)
    node = helper.make_node("ZipMap", ["logits"], ["probabilities"], domain="ai.onnx.ml",
                            classlabels_int64s=[0, 1, 2])
    model.graph.node.append(node)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    del model.graph.output[:]
    entry = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, None))
    model.graph.output.append(
        helper.make_value_info("probabilities", helper.make_sequence_type_proto(entry)))
    onnx.save(model, path)


def not_finite(path):
    model = network(path, ends=None, output="scores")
    names = [helper.make_node("Sub", ["scores", "scores"], ["zero"]),
             helper.make_node("Div", ["zero", "zero"], ["probabilities"])]
    model.graph.node.extend(names)
    model.graph.output[0].name = "probabilities"
    onnx.save(model, path)


def two_inputs(path):
    model = network(path, ends=None, output="scores")
    model.graph.node.append(helper.make_node("Mul", ["scores", "factor"], ["probabilities"]))
    model.graph.input.append(helper.make_tensor_value_info("factor", TensorProto.FLOAT, []))
    model.graph.output[0].name = "probabilities"
    onnx.save(model, path)


def too_old(path):
    model = network(path)
    model.opset_import[0].version = 6
    onnx.save(model, path)


def unknown_operator(path):
    model = network(path)
    model.graph.node[0].op_type = "MyConvolution"
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path)
    parser.add_argument("--without-pytorch", action="store_true")
    parser.add_argument("--write", action="store_true", help="write the table of errors")
    options = parser.parse_args()

    os.environ["PATH"] = f"{options.program.resolve().parent}{os.pathsep}{os.environ['PATH']}"
    libraries = sorted(REPOSITORY.glob("runtime/libonnxruntime.*"))
    if libraries:
        os.environ.setdefault("ORT_DYLIB_PATH", str(libraries[-1]))
    if not Path("examples").exists():
        Path("examples").symlink_to(REPOSITORY / "examples")
    shutil.rmtree(MODELS, ignore_errors=True)

    text = PAGE.read_text()
    bring_models()
    names, compared = run_page(text, not options.without_pytorch)
    if options.without_pytorch:
        compared.add("my-cells")
    else:
        check_draws(names, compared)
    check_bundles(text, compared)
    written = TABLE.sub(lambda found: found[1] + errors(names) + found[2], text)
    if options.write:
        PAGE.write_text(written)
    elif written != text:
        raise SystemExit("docs/BUNDLES.md does not quote today's errors: run tests/bundles/run.sh "
                         "with --write and read what changed")
    print(f"{len(compared)} passed, 0 failed")


if __name__ == "__main__":
    main()
