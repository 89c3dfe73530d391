#!/usr/bin/env python3
"""Runs an unchanged tritonclient against a server: `python triton.py HOST:PORT`.

Compares every answer with that of /v1/predictions for the same image and seed.
"""

import json
import sys
import urllib.request
from pathlib import Path

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

CELLS = Path(__file__).parents[2] / "examples" / "cells"
MODEL = "cric-lite0"
MEASURES = ["predictive_entropy", "expected_entropy", "mutual_information", "variation_ratio"]


def expected(address: str, image: bytes, query: str) -> dict:
    """The answer of /v1/predictions."""
    request = urllib.request.Request(
        f"http://{address}/v1/predictions?{query}", image, {"Content-Type": "image/png"}
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def image_input(images: list[bytes]) -> triton.InferInput:
    tensor = triton.InferInput("image", [len(images)], "BYTES")
    tensor.set_data_from_numpy(np.array(images, dtype=object), binary_data=True)
    return tensor


def check_method(client: triton.InferenceServerClient, address: str, method: str, **how) -> None:
    images = [(CELLS / name).read_bytes() for name in ["nilm.png", "hsil.png", "scc.png"]]
    names = ["probabilities", "uncertainty", "decision"]
    outputs = [triton.InferRequestedOutput(name, binary_data=True) for name in names]
    result = client.infer(
        MODEL,
        [image_input(images)],
        outputs=outputs,
        request_id="7",
        parameters={"method": method, "seed": 3},
        **how,
    )
    assert result.get_response()["id"] == "7"
    for row, image in enumerate(images):
        answer = expected(address, image, f"method={method}&seed=3")
        probabilities = [entry["probability"] for entry in answer["probabilities"]]
        np.testing.assert_allclose(result.as_numpy("probabilities")[row], probabilities, atol=1e-6)
        uncertainty = [answer["uncertainty"][name] for name in MEASURES]
        np.testing.assert_allclose(result.as_numpy("uncertainty")[row], uncertainty, atol=1e-6)
        assert result.as_numpy("decision")[row].decode() == answer["decision"]["action"]


def check_samples_and_json(client: triton.InferenceServerClient, address: str) -> None:
    """A request without outputs returns all of them; as JSON they are the same."""
    image = (CELLS / "lsil.png").read_bytes()
    parameters = {"method": "mc_dropout", "passes": 20}
    binary = client.infer(MODEL, [image_input([image])], parameters=parameters)
    answer = expected(address, image, "method=mc_dropout&passes=20&include=samples")
    samples = binary.as_numpy("samples")
    assert samples.shape == (1, 20, 6)
    np.testing.assert_allclose(samples[0], answer["samples"]["values"], atol=1e-6)
    outputs = [triton.InferRequestedOutput("samples", binary_data=False)]
    of_json = client.infer(MODEL, [image_input([image])], outputs=outputs, parameters=parameters)
    np.testing.assert_allclose(of_json.as_numpy("samples"), samples, atol=1e-6)


def check_floats(client: triton.InferenceServerClient) -> None:
    grey = np.zeros((2, 3, 128, 128), dtype=np.float32)
    tensor = triton.InferInput("image", list(grey.shape), "FP32")
    tensor.set_data_from_numpy(grey)
    result = client.infer(MODEL, [tensor], parameters={"method": "baseline"})
    probabilities = result.as_numpy("probabilities")
    assert probabilities.shape == (2, 6)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (result.as_numpy("decision") == b"refer").all(), "a grey image must be referred"


def check_errors(client: triton.InferenceServerClient) -> None:
    try:
        client.infer(MODEL, [image_input([b"no image"])])
    except InferenceServerException as error:
        assert "image 0" in error.message(), error
    else:
        raise AssertionError("text was taken for an image")
    assert not client.is_model_ready("absent")


def main() -> None:
    address = sys.argv[1]
    client = triton.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready(MODEL) and client.is_model_ready(MODEL, "2")
    assert client.get_server_metadata()["name"] == "secondlook"
    assert client.get_model_metadata(MODEL)["inputs"][0]["name"] == "image"
    for method in ["baseline", "mc_dropout", "ensemble"]:
        check_method(client, address, method)
    for algorithm in ["gzip", "deflate"]:
        check_method(client, address, "ensemble", request_compression_algorithm=algorithm)
    check_samples_and_json(client, address)
    check_floats(client)
    check_errors(client)
    print("tritonclient: every answer is the one of /v1/predictions")


if __name__ == "__main__":
    main()
