#!/usr/bin/env python3
"""Sends two builds of the server the same requests, more than a hundred: `same_answers.py OLD NEW`.

The requests cover every method, crops, batches, a field, FHIR, NDJSON, `/v2` and errors. Numbers
are compared digit by digit. `request_id`, times and the `id` of a prediction are left out, since
older builds made a new `id` with every answer. Exit code 1: an answer differs.
"""

import base64
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

CELLS = sorted(Path("examples/cells").glob("*.png"))
FIELD = Path("examples/fields/smear.jpg")
NUCLEI = Path("examples/fields/smear.csv")
METHODS = ["baseline", "mc_dropout", "ensemble", "tta"]
FHIR = {"Accept": "application/fhir+json"}
PNG = {"Content-Type": "image/png"}
PASSING = {"request_id", "timing_ms"}
# The id of a prediction: new with every answer in older builds, a digest of the question in newer
# ones. Ids of FHIR resources are digests of their content in both.
SHORT_ID = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")


def form(parts):
    boundary = "a-boundary-of-our-own"
    body = b""
    for name, file_name, content in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
        body += head.encode() + content + b"\r\n"
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}, body + f"--{boundary}--\r\n".encode()


def questions():
    """(name, path, headers, body) of each."""
    images = {cell.stem: cell.read_bytes() for cell in CELLS}
    for name, image in images.items():
        for method in METHODS:
            path = f"/v1/predictions?method={method}"
            yield f"{name} {method}", path, PNG, image
            yield f"{name} {method} FHIR", path, PNG | FHIR, image
        query = "?method=ensemble&compare=tta&compare=baseline&policy=accept_error_2_classes_10"
        yield f"{name} compared", "/v1/predictions" + query, PNG, image
        query = "?method=mc_dropout&passes=7&seed=3&include=samples"
        yield f"{name} samples", "/v1/predictions" + query, PNG, image
        text = base64.b64encode(image).decode()
        tensor = {"name": "image", "datatype": "BYTES", "shape": [1], "data": [text]}
        for method in METHODS:
            body = json.dumps({"inputs": [tensor], "parameters": {"method": method}}).encode()
            yield f"{name} {method} /v2", "/v2/models/cric-lite0/infer", {"Content-Type": "application/json"}, body
    field = [("image", FIELD.name, FIELD.read_bytes()), ("nuclei", NUCLEI.name, NUCLEI.read_bytes())]
    crops = [("image", f"{name}.png", image) for name, image in images.items()]
    for method in METHODS:
        for kind, parts, accepts in [("fields", field, [{}, FHIR, {"Accept": "application/x-ndjson"}]), ("predictions:batch", crops, [{}, FHIR])]:
            headers, body = form(parts)
            for accept in accepts:
                yield f"{kind} {method} {accept}", f"/v1/{kind}?method={method}", headers | accept, body
    yield "half an image", "/v1/predictions", PNG, images["nilm"][:9000]
    yield "no image", "/v1/predictions", PNG, b"no image"
    yield "no such method", "/v1/predictions?method=guess", PNG, images["nilm"]
    yield "no such policy", "/v1/predictions?policy=wish", PNG, images["nilm"]
    for path in ["/v1/models", "/v1/models/cric-lite0", "/v2/models/cric-lite0", "/openapi.json"]:
        yield path, path, {}, None


def ask(address, path, headers, body):
    request = urllib.request.Request(address + path, body, headers)
    try:
        with urllib.request.urlopen(request) as response:
            status, text = response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    lines = text.splitlines() if "x-ndjson" in headers.get("Accept", "") else [text]
    # The lines of a field arrive as its cells finish.
    return status, sorted((json.dumps(lasting(json.loads(line, parse_float=str))) for line in lines))


def lasting(node):
    if isinstance(node, dict):
        kept = {key: lasting(value) for key, value in node.items() if key not in PASSING}
        return {key: value for key, value in kept.items() if not (key == "id" and isinstance(value, str) and SHORT_ID.fullmatch(value))}
    return [lasting(child) for child in node] if isinstance(node, list) else node


def start(program):
    variables = {key: value for key, value in os.environ.items() if not key.startswith("SECONDLOOK_")}
    command = [program, "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=variables)
    return server, server.stdout.readline().split("ready at ")[1].strip()


def main():
    servers = [start(program) for program in sys.argv[1:3]]
    differing, count = [], 0
    try:
        for name, path, headers, body in questions():
            count += 1
            old, new = (ask(address, path, headers, body) for _, address in servers)
            if old != new:
                differing.append(name)
    finally:
        for server, _ in servers:
            server.terminate()
            server.wait()
    print(f"{count} questions, {len(differing)} answered differently")
    for name in differing:
        print(f"  {name}")
    return 1 if differing or count == 0 else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main())
