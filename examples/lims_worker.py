#!/usr/bin/env python3
"""Sends fields to secondlook and stores what comes back as FHIR Observations. Needs Python 3.9 and nothing else.

    lims_worker.py --server http://127.0.0.1:8080 --out observations field.jpg nuclei.csv
    lims_worker.py --server http://127.0.0.1:8080 --out observations --watch incoming

A field NAME.jpg becomes NAME.Observation.ndjson: a line for each cell, the file there whole or not at all. The cells that a
person has to look at come first, the most severe call at the top. Cells that could not be answered need a look, too: they are
in NAME.OperationOutcome.ndjson. A field that was refused leaves NAME.problem.json. The environment variable SECONDLOOK_API_KEY
holds the API key, if the server wants one. Exit code 1: the field was not answered; 2: none can be.
"""

import argparse
import http.client
import json
import os
import random
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

IMAGES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"}
FHIR = "application/fhir+json"
# Statuses after which the same request may be answered: too often, a proxy's trouble, busy or shutting down, too late.
TRY_AGAIN = {429, 502, 503, 504}
LOCKED = {401, 403}
# Between two attempts, where the server does not say how long.
LONGEST_WAIT_SECONDS = 60.0


class Refused(Exception):
    """The server will not answer this field, however often it is sent; `problem` says why."""

    def __init__(self, problem: dict):
        super().__init__(problem.get("detail") or problem.get("title") or "no reason was given")
        self.problem = problem


class Locked(Exception):
    """The API key is missing or wrong, or does not open this: no field will fare better."""


class GaveUp(Exception):
    """The server did not answer in the time that there is."""


class Server:
    """Where fields are sent, and how long to try."""

    def __init__(self, url: str, api_key: str, attempt_seconds: float, give_up_seconds: float):
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.attempt_seconds = attempt_seconds
        self.give_up_seconds = give_up_seconds

    def observe(self, image: Path, nuclei: bytes, accession: str) -> dict:
        """The Bundle for a field. The same field gets the same answer, in this attempt and in any other."""
        content = image.read_bytes()
        request = self.request(image.name, content, nuclei, accession)
        give_up = time.monotonic() + self.give_up_seconds
        attempt = 0
        while True:
            attempt += 1
            try:
                return self.send(request)
            except urllib.error.HTTPError as error:
                if error.code in LOCKED:
                    raise Locked(str(Refused(problem_of(error)))) from error
                if error.code not in TRY_AGAIN:
                    raise Refused(problem_of(error)) from error
                reason, wait = f"status {error.code}", retry_after(error)
            # Refused, reset, cut off, timed out: nobody knows whether the server answered, and it does not matter.
            except (OSError, http.client.HTTPException, ValueError) as error:
                reason, wait = type(error).__name__, None
            wait = wait if wait is not None else backoff(attempt)
            if time.monotonic() + wait > give_up:
                raise GaveUp(f"{reason} after {attempt} attempts")
            say(f"{image.name}: {reason}, attempt {attempt}; the same again in {wait:.1f} s")
            time.sleep(wait)

    def request(self, name: str, image: bytes, nuclei: bytes, accession: str) -> urllib.request.Request:
        boundary = uuid.uuid4().hex
        headers = {
            "Accept": FHIR,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            # Work that this worker waits for no longer is work for nobody.
            "X-Request-Timeout": str(self.attempt_seconds),
        }
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        body = form(boundary, name, image, nuclei, accession)
        return urllib.request.Request(f"{self.url}/v1/fields", body, headers)

    def send(self, request: urllib.request.Request) -> dict:
        with urllib.request.urlopen(request, timeout=self.attempt_seconds + 5) as response:
            content_type = response.headers.get_content_type()
            answer = json.load(response)
        if content_type != FHIR or answer.get("resourceType") != "Bundle":
            raise Refused({"title": "The server does not speak FHIR", "detail": f"it answered {content_type}"})
        return answer


def form(boundary: str, name: str, image: bytes, nuclei: bytes, accession: str) -> bytes:
    """A body of multipart/form-data."""
    quoted = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    parts = [(f'name="image"; filename="{quoted}"', image), ('name="nuclei"', nuclei)]
    if accession:
        parts.append(('name="accession"', accession.encode()))
    lines = []
    for head, content in parts:
        lines += [f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode(), content, b"\r\n"]
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])


def retry_after(error: urllib.error.HTTPError):
    """The seconds that the server asks to wait; None where it does not say."""
    try:
        return max(float(int(error.headers.get("Retry-After", ""))), 0.0)
    except ValueError:
        return None


def backoff(attempt: int) -> float:
    """Twice as long each time, and never quite the same, so that many workers do not come back at once."""
    return min(0.5 * 2 ** min(attempt, 10), LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0)


def problem_of(error: urllib.error.HTTPError) -> dict:
    """What the server says of a request that it refuses (RFC 9457)."""
    try:
        problem = json.load(error)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"status": error.code, "title": str(error.reason)}


def store(out: Path, name: str, bundle: dict) -> dict:
    """Writes a file for each kind of resource; answers how many there were. The Observations come last: they are the sign
    that a field is done."""
    kinds = {"Observation": []}
    for entry in bundle.get("entry", []):
        resource = entry.get("resource") or (entry.get("response") or {}).get("outcome") or {}
        kind = str(resource.get("resourceType"))
        # It becomes a part of a file's name.
        kinds.setdefault(kind if kind.isalpha() else "unknown", []).append(resource)
    kinds["Observation"].sort(key=worklist_place)
    for kind in sorted(kinds, key=lambda kind: kind == "Observation"):
        lines = "".join(json.dumps(resource, ensure_ascii=False) + "\n" for resource in kinds[kind])
        write_atomically(out / f"{name}.{kind}.ndjson", lines)
    return {kind: len(resources) for kind, resources in kinds.items()}


def worklist_place(observation: dict) -> float:
    """The server's place of a cell among those to look at, from 1; beyond all of them for the others, whose order stays."""
    for component in observation.get("component", []):
        if any(coding.get("code") == "worklist-place" for coding in component["code"].get("coding", [])):
            return component["valueInteger"]
    return float("inf")


def write_atomically(path: Path, text: str) -> None:
    """A reader sees the file whole or not at all, and after a power cut too."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def work(server: Server, image: Path, nuclei: Path, out: Path, accession: str) -> bool:
    """One field, from its files to its Observations; whether it was answered."""
    try:
        bundle = server.observe(image, nuclei.read_bytes(), accession)
        counts = store(out, image.stem, bundle)
    except Refused as refused:
        write_atomically(out / f"{image.stem}.problem.json", json.dumps(refused.problem, indent=1) + "\n")
        say(f"{image.name}: refused: {refused}")
        return False
    except GaveUp as gave_up:
        say(f"{image.name}: given up: {gave_up}")
        return False
    (out / f"{image.stem}.problem.json").unlink(missing_ok=True)
    say(f"{image.name}: stored " + ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())))
    return True


def waiting_in(folder: Path, out: Path) -> list:
    """Fields whose nuclei are there and of which nothing is stored yet. What was written to a second ago may grow still."""
    complete = time.time() - 1.0
    pairs = [(image, image.with_suffix(".csv")) for image in sorted(folder.iterdir()) if image.suffix.lower() in IMAGES]
    return [
        (image, nuclei)
        for image, nuclei in pairs
        if nuclei.exists()
        and max(image.stat().st_mtime, nuclei.stat().st_mtime) <= complete
        and not any((out / f"{image.stem}.{end}").exists() for end in ["Observation.ndjson", "problem.json"])
    ]


def watch(server: Server, folder: Path, out: Path, seconds: float) -> None:
    """For ever. A field that was given up is tried again in the next round."""
    while True:
        for image, nuclei in waiting_in(folder, out):
            work(server, image, nuclei, out, "")
        time.sleep(seconds)


def say(text: str) -> None:
    """File names and counts only: an accession is nothing for a log."""
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="sends fields to secondlook and stores FHIR Observations")
    parser.add_argument("--server", required=True, help="address of the server, such as http://127.0.0.1:8080")
    parser.add_argument("--out", required=True, type=Path, help="folder for what comes back")
    parser.add_argument("--watch", type=Path, help="folder in which fields NAME.jpg and their NAME.csv appear")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two looks at the folder (2)")
    parser.add_argument("--accession", default="", help="identifier of the specimen of a single field")
    parser.add_argument("--attempt-seconds", type=float, default=120.0, help="how long one attempt may take (120)")
    parser.add_argument("--give-up-seconds", type=float, default=900.0, help="how long to try one field (900)")
    parser.add_argument("image", nargs="?", type=Path, help="a field")
    parser.add_argument("nuclei", nargs="?", type=Path, help="its nuclei: CSV, or JSON")
    options = parser.parse_args()
    if bool(options.watch) == bool(options.image and options.nuclei):
        parser.error("give either a field and its nuclei, or --watch and a folder")
    return options


def main() -> int:
    options = arguments()
    api_key = os.environ.get("SECONDLOOK_API_KEY", "")
    server = Server(options.server, api_key, options.attempt_seconds, options.give_up_seconds)
    options.out.mkdir(parents=True, exist_ok=True)
    if options.watch:
        watch(server, options.watch, options.out, options.every)
    return 0 if work(server, options.image, options.nuclei, options.out, options.accession) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
    except Locked as locked:
        say(f"{locked}: see SECONDLOOK_API_KEY")
        sys.exit(2)
    except OSError as error:
        say(f"{error.filename or 'a file'}: {error.strerror}")
        sys.exit(2)
