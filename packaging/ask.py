#!/usr/bin/env python3
"""Sends one image to a server and prints its label and action.

Usage: `ask.py ADDRESS IMAGE [CERTIFICATE]`.
"""

import json
import ssl
import sys
import urllib.request
from pathlib import Path


def main():
    address, image, *certificate = sys.argv[1:]
    context = ssl.create_default_context(cafile=certificate[0]) if certificate else None
    url = f"{address}/v1/predictions?method=mc_dropout"
    request = urllib.request.Request(url, Path(image).read_bytes(), {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, context=context, timeout=60) as response:
        answer = json.load(response)
    print(answer["prediction"]["label"], answer["decision"]["action"], answer["provenance"]["software"])


if __name__ == "__main__":
    main()
