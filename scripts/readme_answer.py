#!/usr/bin/env python3
"""Puts the real answer of a running server into the README, in place of the one that is there.

A test holds the two together; run this after the default bundle has changed: `make readme`.
"""

import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

README = Path("README.md")
SERVER = ["target/release/secondlook", "serve", "--listen", "127.0.0.1:0"]


def ask(address, path, image):
    headers = {"Content-Type": "image/png"}
    request = urllib.request.Request(address + path, data=Path(image).read_bytes(), headers=headers)
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def rounded(value):
    """Four digits are for people; the test allows for them."""
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    return value


def lines_of(answer):
    """One member a line, and one class a line."""
    members = []
    for name, value in answer.items():
        text = json.dumps(value)
        if name == "probabilities":
            text = "[\n    " + ",\n    ".join(json.dumps(item) for item in value) + "\n  ]"
        members.append(f"  {json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(members) + "\n}"


def main():
    text = README.read_text()
    image = re.search(r"--data-binary @(\S+)", text).group(1)
    path = re.search(r"'http://127\.0\.0\.1:8080([^']*)'", text).group(1)
    with subprocess.Popen(SERVER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        ready = server.stdout.readline()
        if "ready at " not in ready:
            sys.exit("the server did not start: run `make run` to see why")
        answer = ask(ready.split("ready at ")[1].strip(), path, image)
        server.terminate()
    block = "```json\n" + lines_of(rounded(answer)) + "\n```"
    README.write_text(re.sub(r"```json\n.*?```", lambda _: block, text, flags=re.S))


if __name__ == "__main__":
    main()
