#!/usr/bin/env python3
"""Copies openapi.yaml for generators with limits: `python prepare.py OPENAPI.yaml FOLDER`.

openapi-3.1.json      the document with the preferred content types first
openapi-3.0.3.json    the same in OpenAPI 3.0.3
openapi-reduced.json  the latter without forms and with one content type, for progenitor
"""

import copy
import json
import sys
from pathlib import Path

import yaml
from openapi_spec_validator import validate

# Generators that know one content type take the first.
PREFERRED = ["multipart/form-data", "application/json", "application/problem+json"]
NULL = {"type": "null"}


def with_preferred_first(document: dict) -> dict:
    document = copy.deepcopy(document)
    for content in contents(document):
        first = {name: content[name] for name in PREFERRED if name in content}
        rest = {name: media for name, media in content.items() if name not in first}
        content.clear()
        content.update(first | rest)
        # FHIR resources have libraries of their own.
        content.pop("application/fhir+json", None)
    return document


def operations(document: dict):
    for item in document["paths"].values():
        yield from item.values()


def contents(document: dict):
    for operation in operations(document):
        if "requestBody" in operation:
            yield operation["requestBody"]["content"]
        for response in operation["responses"].values():
            if "content" in response:
                yield response["content"]


def in_3_0(document: dict) -> dict:
    """The document in OpenAPI 3.0.3."""
    document = node_in_3_0(with_bytes_in_place(document))
    document["openapi"] = "3.0.3"
    document["info"]["license"].pop("identifier", None)
    return document


def with_bytes_in_place(node):
    """Inlines byte strings: openapi-generator reads a referenced one in a form as text."""
    if isinstance(node, list):
        return [with_bytes_in_place(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") == "#/components/schemas/ImageBytes":
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return {"type": "string", "format": "binary"} | rest
    return {key: with_bytes_in_place(value) for key, value in node.items()}


def node_in_3_0(node):
    if isinstance(node, list):
        return [node_in_3_0(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    # An example keeps its nulls: only schemas have these keywords.
    node = {
        key: value if key in ("example", "examples") else node_in_3_0(value)
        for key, value in node.items()
    }
    node.pop("contentMediaType", None)
    if isinstance(node.get("type"), list):
        (node["type"],) = [name for name in node["type"] if name != "null"]
        node["nullable"] = True
    if isinstance(node.get("const"), str):
        node["enum"] = [node.pop("const")]
    if "exclusiveMinimum" in node:
        node["minimum"], node["exclusiveMinimum"] = node["exclusiveMinimum"], True
    if NULL in node.get("oneOf", []):
        (other,) = [entry for entry in node.pop("oneOf") if entry != NULL]
        node |= other
        node["nullable"] = True
    if "$ref" in node and len(node) > 1:
        node["allOf"] = [{"$ref": node.pop("$ref")}]
    return node


def reduced(document: dict) -> dict:
    """Raw bytes in, JSON out. Problems are JSON as well, so that they get a type."""
    document = copy.deepcopy(document)
    for path, item in list(document["paths"].items()):
        for method, operation in list(item.items()):
            if not is_plain(operation):
                del item[method]
        if not item:
            del document["paths"][path]
    for operation in operations(document):
        operation.pop("security", None)
        for parameter in operation.get("parameters", []):
            # The generated code would need another crate.
            parameter["schema"].pop("pattern", None)
        responses = operation["responses"]
        problem = responses["default"]
        operation["responses"] = {"200": responses["200"], "4XX": problem, "5XX": problem}
    for content in contents(document):
        for name in ["application/octet-stream", "application/json", "application/problem+json"]:
            if name in content:
                kept = {"application/json" if name.endswith("json") else name: content[name]}
                content.clear()
                content.update(kept)
                break
    return document


def is_plain(operation: dict) -> bool:
    body = operation.get("requestBody", {"content": {"application/octet-stream": None}})
    answers = operation["responses"]["200"]["content"]
    return "application/octet-stream" in body["content"] and "application/json" in answers


def main() -> None:
    document = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    ordered = with_preferred_first(document)
    of_3_0 = in_3_0(ordered)
    copies = {"3.1": ordered, "3.0.3": of_3_0, "reduced": reduced(of_3_0)}
    validate(document)
    for name, written in copies.items():
        validate(written)
        path = folder / f"openapi-{name}.json"
        path.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print(f"openapi-spec-validator: the document and its {len(copies)} copies are valid")


if __name__ == "__main__":
    main()
