#!/usr/bin/env python3
"""Generates and runs each client of docs/CLIENTS.md: `python generated.py http://HOST:PORT FOLDER`.

The commands are those of the page. Each client sends the same cell, a text file instead of an
image, and a field. It prints the answers as JSON, which are compared with answers to plain
requests.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CELLS = ROOT / "examples" / "cells"
JARS = Path("/usr/share/java")
NUCLEI = '[{"id": "1", "x": 70, "y": 70}, {"id": "outside", "x": 900, "y": 70}]'


def run(command: list, folder: Path = ROOT, **environment: str) -> str:
    """A command's standard output. If it fails, prints its output and ends the run."""
    variables = os.environ | environment
    done = subprocess.run(list(map(str, command)), cwd=folder, env=variables, capture_output=True, text=True)
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}"
        sys.exit(f"{' '.join(map(str, command))[:300]}: exit code {done.returncode}\n{said[-4000:]}")
    return done.stdout


def commands_of(client: str) -> str:
    """The first shell block in the section of docs/CLIENTS.md that shows this file."""
    document = (ROOT / "docs" / "CLIENTS.md").read_text(encoding="utf-8")
    (section,) = [part for part in document.split("\n## ") if f"<!-- {client} -->" in part]
    return section.split("```sh\n", 1)[1].split("```", 1)[0]


def generate(client: str) -> None:
    run(["bash", "-euc", commands_of(client)])


class Clients:
    """Builds each client. Each method returns the command that runs it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def openapi_python_client(self) -> list:
        client = "tests/clients/python/openapi_python_client.py"
        generate(client)
        return [sys.executable, client]

    def openapi_generator_python(self) -> list:
        client = "tests/clients/python/openapi_generator.py"
        generate(client)
        return [sys.executable, client]

    def openapi_typescript(self) -> list:
        self.install_typescript()
        generate("tests/clients/typescript/openapi_fetch.ts")
        run(["npx", "tsc", "--project", "openapi_fetch.json"], self.folder / "typescript")
        return ["node", self.folder / "typescript" / "built" / "openapi_fetch.js"]

    def hey_api(self) -> list:
        generate("tests/clients/typescript/hey_api.ts")
        run(["npx", "tsc", "--project", "hey_api.json"], self.folder / "typescript")
        return ["node", self.folder / "typescript" / "built" / "hey_api.js"]

    def install_typescript(self) -> None:
        folder = self.folder / "typescript"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (HERE / "typescript").iterdir():
            shutil.copy(path, folder)
        run(["npm", "ci", "--no-audit", "--no-fund"], folder)

    def openapi_generator_java(self) -> list:
        client = "tests/clients/java/Example.java"
        generate(client)
        folder = self.folder / "java"
        sources = [*folder.glob("src/main/java/**/*.java"), HERE / "java" / "Generated.java", ROOT / client]
        # Jackson is in the generator's own jar. Forms need Apache's httpmime, a Debian package.
        (generator,) = Path(sys.prefix).glob("lib/python*/site-packages/openapi_generator_cli/*.jar")
        jars = [generator, *(JARS / f"{name}.jar" for name in ["httpmime", "httpclient", "httpcore", "commons-logging"])]
        path = ":".join(map(str, jars))
        run(["javac", "-nowarn", "-encoding", "UTF-8", "-d", folder / "classes", "-cp", path, *sources])
        return ["java", "-cp", f"{folder / 'classes'}:{path}", "Example"]

    def progenitor(self) -> list:
        run(["bash", "-euc", commands_of("tests/clients/rust/src/main.rs")])
        return [self.folder / "rust" / "debug" / "secondlook-client"]


def expected(address: str) -> dict:
    """The expected values, from plain requests."""
    cell = post(address, "/v1/predictions?method=mc_dropout&seed=7", (CELLS / "hsil.png").read_bytes())
    refused = post(address, "/v1/predictions", (CELLS / "README.md").read_bytes())
    return {
        "label": cell["prediction"]["label"],
        "action": cell["decision"]["action"],
        "uncertainty": cell["uncertainty"],
        "problem": {"type": refused["type"], "status": 415},
        # The first nucleus is the centre of that cell. Its seed differs, so only the label is
        # compared.
        "field": [field_label(address), "urn:secondlook:problem:nucleus-outside"],
    }


def field_label(address: str) -> str:
    boundary = "a-boundary-of-ours"
    parts = [
        (b'name="image"; filename="hsil.png"', (CELLS / "hsil.png").read_bytes()),
        (b'name="nuclei"', NUCLEI.encode()),
    ]
    body = b"".join(
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary.encode(), name, value)
        for name, value in parts
    )
    body += b"--%s--\r\n" % boundary.encode()
    field = post(address, "/v1/fields?seed=7", body, f"multipart/form-data; boundary={boundary}")
    return field["cells"][0]["prediction"]["prediction"]["label"]


def post(address: str, path: str, body: bytes, content_type: str = "application/octet-stream") -> dict:
    request = urllib.request.Request(address + path, body, {"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


def compare(name: str, understood, meant) -> None:
    """Compares. Numbers may differ in the last digits; a member that is null may be absent."""
    if isinstance(meant, dict):
        for key, value in meant.items():
            compare(f"{name}.{key}", understood.get(key), value)
    elif isinstance(meant, float):
        assert abs(understood - meant) <= 1e-12 * max(1.0, abs(meant)), f"{name}: expected {meant}, found {understood}"
    else:
        assert understood == meant, f"{name}: expected {meant}, found {understood}"


def main(address: str, folder: Path) -> None:
    clients = Clients(folder)
    meant = expected(address)
    ways = [
        clients.openapi_python_client,
        clients.openapi_generator_python,
        clients.openapi_typescript,
        clients.hey_api,
        clients.openapi_generator_java,
        clients.progenitor,
    ]
    for way in ways:
        began = time.monotonic()
        command = way()
        paths = str(folder / "python")
        said = json.loads(run([*command, address, CELLS, NUCLEI], PYTHONPATH=paths).splitlines()[-1])
        name = way.__name__
        forms = "field" in said
        compare(name, said, meant if forms else {key: value for key, value in meant.items() if key != "field"})
        about = "a cell, its uncertainties, a problem" + (", a field" if forms else "; it knows no forms")
        print(f"{name}: {about} ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]).absolute())
