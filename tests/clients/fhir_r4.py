#!/usr/bin/env python3
"""Checks the FHIR answers with `fhir.resources` and further rules: `python fhir_r4.py HOST:PORT`.

First it checks the rules themselves on the valid and invalid observations of tests/fixtures/fhir.
"""

import json
import sys
import urllib.request
from pathlib import Path

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.operationoutcome import OperationOutcome

ROOT = Path(__file__).parents[2]
CELLS = ROOT / "examples" / "cells"
ORACLE = ROOT / "tests" / "fixtures" / "fhir"
NOTE = "suggested, not a diagnosis"
ISSUE_TYPES = {"invalid", "not-found", "too-long", "not-supported", "exception", "transient", "timeout"}


class Wrong(ValueError):
    """An answer breaks a rule that the library does not check."""


def require(holds: bool, rule: str) -> None:
    if not holds:
        raise Wrong(rule)


def codes(concept: dict) -> set:
    return {(coding.get("system"), coding["code"]) for coding in concept.get("coding", [])}


def probabilities(observation: dict) -> list:
    return [
        component["valueQuantity"]["value"]
        for component in observation["component"]
        if component["code"]["coding"][0]["code"].startswith("probability-")
    ]


def check_observation(observation: dict) -> None:
    """Checks the manifest's `not_checked_by_library`, and the project's own rules."""
    Observation.model_validate_json(json.dumps(observation))
    require(observation["status"] == "preliminary", "the output of a model is preliminary")
    notes = [note["text"].lower() for note in observation.get("note", [])]
    require(any(NOTE in note for note in notes), "the note says that it is no diagnosis")
    security = [coding["code"] for coding in observation["meta"]["security"]]
    require("AIAST" in security, "it is marked as asserted by a machine")
    has_value = any(name.startswith("value") for name in observation)
    require(has_value != ("dataAbsentReason" in observation), "obs-6, and one of the two is there")
    of_components = [codes(component["code"]) for component in observation["component"]]
    own = codes(observation["code"])
    require(not any(own & found for found in of_components), "obs-7")
    require(len({frozenset(found) for found in of_components}) == len(of_components), "a code comes once")
    for component in observation["component"]:
        has_value = any(name.startswith("value") for name in component)
        require(has_value != ("dataAbsentReason" in component), "a component has a value or says why not")
    contained = {"#" + resource["id"] for resource in observation.get("contained", [])}
    require(observation["device"]["reference"] in contained, "the device is contained")
    require(abs(sum(probabilities(observation)) - 1) < 1e-6, "the probabilities sum to 1")


def check_oracle() -> None:
    manifest = json.loads((ORACLE / "manifest.json").read_text())
    for name in manifest["valid"]:
        check_observation(json.loads((ORACLE / name).read_text()))
    for entry in manifest["invalid"]:
        try:
            check_observation(json.loads((ORACLE / entry["file"]).read_text()))
        except ValueError:
            continue
        raise AssertionError(f"{entry['file']} passed: {entry['why']}")


def check_bundle(bundle: dict) -> list:
    """Checks every entry; returns their types."""
    Bundle.model_validate_json(json.dumps(bundle))
    require(bundle["type"] == "collection", "it is a collection")
    addresses = [entry["fullUrl"] for entry in bundle["entry"]]
    require(len(set(addresses)) == len(addresses), "bdl-7")
    for entry in bundle["entry"]:
        resource = entry["resource"]
        require(entry["fullUrl"] == f"urn:uuid:{resource['id']}", "the address is the resource's id")
        if resource["resourceType"] == "Observation":
            check_observation(resource)
        else:
            OperationOutcome.model_validate_json(json.dumps(resource))
            require(resource["issue"][0]["code"] in ISSUE_TYPES, "issue-type")
    return [entry["resource"]["resourceType"] for entry in bundle["entry"]]


def post(address: str, path: str, body: bytes, content_type: str) -> dict:
    headers = {"Accept": "application/fhir+json", "Content-Type": content_type, "X-Accession": "S26-1/A"}
    request = urllib.request.Request(f"http://{address}{path}", body, headers)
    with urllib.request.urlopen(request) as response:
        assert response.headers["Content-Type"] == "application/fhir+json"
        return json.load(response)


def form(parts: list) -> tuple:
    """A form made of (name, file name or None, bytes), and its content type."""
    boundary = "a-boundary-of-our-own"
    body = b""
    for name, file_name, content in parts:
        file_part = f'; filename="{file_name}"' if file_name else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file_part}\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def check_predictions(address: str) -> None:
    """Every method and both decisions."""
    values = set()
    for cell in ["nilm", "asc-us", "lsil", "asc-h", "hsil", "scc"]:
        image = (CELLS / f"{cell}.png").read_bytes()
        for method in ["baseline", "mc_dropout", "ensemble", "tta"]:
            observation = post(address, f"/v1/predictions?method={method}", image, "image/png")
            check_observation(observation)
            values.add("valueCodeableConcept" in observation)
            assert observation["specimen"]["identifier"]["value"] == "S26-1/A"
        refused = post(address, "/v1/predictions?method=ensemble&policy=accept_error_5", image, "image/png")
        check_observation(refused)
        values.add("valueCodeableConcept" in refused)
    assert values == {True, False}, "expected accepted and referred answers"


def check_many(address: str) -> None:
    image = (CELLS / "hsil.png").read_bytes()
    nuclei = json.dumps([{"id": "1", "x": 70, "y": 70}, {"id": "2", "x": 70, "y": 140}, {"x": 70, "y": 70}])
    body, content_type = form([("image", "field.png", image), ("nuclei", None, nuclei.encode())])
    field = post(address, "/v1/fields?method=ensemble", body, content_type)
    assert check_bundle(field) == ["Observation", "OperationOutcome", "Observation"]
    body, content_type = form([("image", "a.png", image), ("image", "b.png", b"no image"), ("image", None, image)])
    batch = post(address, "/v1/predictions:batch?method=baseline", body, content_type)
    assert check_bundle(batch) == ["Observation", "OperationOutcome", "Observation"]


def main() -> None:
    check_oracle()
    address = sys.argv[1]
    check_predictions(address)
    check_many(address)
    print("fhir.resources: every answer is a valid resource, and so by the rules that it does not know")


if __name__ == "__main__":
    main()
