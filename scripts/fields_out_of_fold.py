#!/usr/bin/env python3
"""Sends whole fields to bundles that have not seen them, and checks the order of the worklists.

    scripts/fields_out_of_fold.py PROGRAM BUNDLES SPLIT DATA [IMAGE…]

PROGRAM is the server, BUNDLES the folder that `secondlook-train nested --bundles` wrote, SPLIT the
`split.csv` of the work folder, DATA a folder of CRIC fields. Without IMAGE it takes image 85, which
has the most abnormal cells, and the next five.

It prints a line of JSON per field. Exit code 1: a worklist is out of order, or a cell that is
called abnormal was accepted.
"""

import csv
import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path

TRIAGE = ["high_grade", "abnormal", "unlike", "unsure", "accepted"]
HIGH_GRADE = {"ASC-H", "HSIL", "SCC"}
BOUNDARY = "field-and-nuclei"


def read(path):
    with open(path, newline="") as table:
        return list(csv.DictReader(table))


def form(image, nuclei):
    part = "--{}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}\r\n\r\n"
    head = part.format(BOUNDARY, "image", "field.jpg", "image/jpeg").encode() + image
    return head + b"\r\n" + part.format(BOUNDARY, "nuclei", "nuclei.csv", "text/csv").encode() + nuclei + f"\r\n--{BOUNDARY}--\r\n".encode()


def ask(address, model, image, nuclei):
    request = urllib.request.Request(
        f"{address}/v1/fields?method=mc_dropout&model={model}",
        data=form(image, nuclei),
        headers={"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"},
    )
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def nuclei_of(cells):
    lines = ["cell_id,nucleus_x,nucleus_y"]
    lines += [f"{cell['cell_id']},{cell['nucleus_x']},{cell['nucleus_y']}" for cell in cells]
    return "\n".join(lines).encode()


def place(cell):
    """The key that orders a worklist: triage, then P(high grade)."""
    probabilities = {item["label"]: item["probability"] for item in cell["probabilities"]}
    high_grade = sum(probabilities[label] for label in HIGH_GRADE)
    return TRIAGE.index(cell["decision"]["triage"]), -round(high_grade, 9)


def check(image, cells, answer):
    """Prints the line of an answer; returns whether its order and its accepted cells are right."""
    predictions = {cell["id"]: cell["prediction"] for cell in answer["cells"] if cell["prediction"]}
    worklist = [predictions[item["id"]] for item in answer["summary"]["worklist"]]
    order = [place(cell) for cell in worklist]
    accepted = [name for name, cell in predictions.items() if cell["decision"]["action"] == "accept"]
    called = [name for name in accepted if predictions[name]["prediction"]["abnormal_probability"] >= 0.5]
    truth = {cell["cell_id"]: cell["bethesda_system"] for cell in cells}
    missed = Counter(truth[name] for name in accepted if not truth[name].startswith("Negative"))
    line = {
        "image": image,
        "cells": len(cells),
        "abnormal": sum(not label.startswith("Negative") for label in truth.values()),
        "triage": dict(Counter(cell["decision"]["triage"] for cell in predictions.values())),
        "accepted": len(accepted),
        "accepted_abnormal_by_experts": dict(missed),
        "in_order": order == sorted(order),
        "accepted_though_called_abnormal": len(called),
    }
    print(json.dumps(line))
    return line["in_order"] and not called


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__)
    program, bundles, split, data = sys.argv[1:5]
    fold_of = {row["image_id"]: row["part"] for row in read(split)}
    of_image = {}
    for cell in read(Path(data) / "classifications.csv"):
        of_image.setdefault(cell["image_id"], []).append(cell)
    abnormal = {image: sum(not cell["bethesda_system"].startswith("Negative") for cell in cells) for image, cells in of_image.items()}
    most = sorted(abnormal, key=lambda image: (-abnormal[image], int(image)))
    images = sys.argv[5:] or ["85"] + [image for image in most if image != "85"][:5]
    environment = dict(os.environ, SECONDLOOK_MODELS__DIRECTORY=bundles)
    command = [program, "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        address = server.stdout.readline().split("ready at ")[1].strip()
        sound = []
        for image in images:
            cells = of_image[image]
            field = (Path(data) / "fields" / cells[0]["image_filename"]).read_bytes()
            answer = ask(address, f"without-{fold_of[image].replace('_', '-')}", field, nuclei_of(cells))
            sound.append(check(image, cells, answer))
        server.terminate()
    sys.exit(0 if all(sound) else 1)


if __name__ == "__main__":
    main()
