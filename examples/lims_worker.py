#!/usr/bin/env python3
"""Sends fields to secondlook and stores the answers as FHIR Observations. Needs only Python 3.9.

    lims_worker.py --server http://127.0.0.1:8080 --out observations field.jpg nuclei.csv
    lims_worker.py --server http://127.0.0.1:8080 --out observations --watch incoming

For a field NAME.jpg the worker writes into the folder --out:

    NAME.Observation.ndjson        one line for each cell, the most severe to look at first
    NAME.OperationOutcome.ndjson   cells without an answer: a person has to look at them, too
    NAME.problem.json              instead of both, if the server refused the field

Each file appears only when it is complete. If the server has API keys, set SECONDLOOK_API_KEY.
Exit codes: 1, the field was not answered; 2, no field can be (API key, files, options).
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
# After these statuses the same request may succeed: over the rate limit, a proxy's error, busy or
# shutting down, deadline passed.
TRY_AGAIN = {429, 502, 503, 504}
LOCKED = {401, 403}
# The longest pause between two attempts, if the server sends no `Retry-After`.
LONGEST_WAIT_SECONDS = 60.0


class Refused(Exception):
    """The server refused this field, and would again; `problem` says why."""

    def __init__(self, problem: dict):
        super().__init__(problem.get("detail") or problem.get("title") or "no reason was given")
        self.problem = problem


class Locked(Exception):
    """The API key is missing, unknown or lacks the scope: every field would be refused."""


class GaveUp(Exception):
    """The server did not answer within `--give-up-seconds`."""


class Server:
    """The server's address and key, and how long to try."""

    def __init__(self, url: str, api_key: str, attempt_seconds: float, give_up_seconds: float):
        self.url = url.rstrip("/")
        self.api_key = api_key
        self.attempt_seconds = attempt_seconds
        self.give_up_seconds = give_up_seconds

    def observe(self, image: Path, nuclei: bytes, accession: str) -> dict:
        """Returns the Bundle for a field. Retries are safe: the same field gets the same answer."""
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
            # The server may have answered before the connection was lost. Sending again is safe.
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
            # The server stops working when this worker stops waiting.
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
    """Returns a body of multipart/form-data."""
    quoted = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
    parts = [(f'name="image"; filename="{quoted}"', image), ('name="nuclei"', nuclei)]
    if accession:
        parts.append(('name="accession"', accession.encode()))
    lines = []
    for head, content in parts:
        lines += [f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode(), content, b"\r\n"]
    return b"".join([*lines, f"--{boundary}--\r\n".encode()])


def retry_after(error: urllib.error.HTTPError):
    """Returns the seconds in `Retry-After`; None without that header."""
    try:
        return max(float(int(error.headers.get("Retry-After", ""))), 0.0)
    except ValueError:
        return None


def backoff(attempt: int) -> float:
    """Doubles the pause each time, with a random part so that workers do not retry all at once."""
    return min(0.5 * 2 ** min(attempt, 10), LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0)


def problem_of(error: urllib.error.HTTPError) -> dict:
    """Returns the problem (RFC 9457) of a refused request, or one made of its status."""
    try:
        problem = json.load(error)
    except ValueError:
        problem = None
    return problem if isinstance(problem, dict) else {"status": error.code, "title": str(error.reason)}


def store(out: Path, name: str, bundle: dict) -> dict:
    """Writes a file for each kind of resource and returns how many of each there were.

    The Observations are written last: their file says that the field is done.
    """
    kinds = {"Observation": []}
    for entry in bundle.get("entry", []):
        resource = entry.get("resource") or (entry.get("response") or {}).get("outcome") or {}
        kind = str(resource.get("resourceType"))
        # The kind becomes part of a file name.
        kinds.setdefault(kind if kind.isalpha() else "unknown", []).append(resource)
    kinds["Observation"].sort(key=worklist_place)
    for kind in sorted(kinds, key=lambda kind: kind == "Observation"):
        lines = "".join(json.dumps(resource, ensure_ascii=False) + "\n" for resource in kinds[kind])
        write_atomically(out / f"{name}.{kind}.ndjson", lines)
    return {kind: len(resources) for kind, resources in kinds.items()}


def worklist_place(observation: dict) -> float:
    """Returns a cell's place on the server's worklist, from 1; infinity if it is not on it."""
    for component in observation.get("component", []):
        if any(coding.get("code") == "worklist-place" for coding in component["code"].get("coding", [])):
            return component["valueInteger"]
    return float("inf")


def write_atomically(path: Path, text: str) -> None:
    """Writes a file that readers see only when it is complete, even after a power cut."""
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
    """Sends one field and stores its Observations. Returns whether it was answered."""
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
    """Returns fields with nuclei and without a result, except files changed in the last second."""
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
    """Runs until it is interrupted. A field that was given up is tried again in the next round."""
    while True:
        for image, nuclei in waiting_in(folder, out):
            work(server, image, nuclei, out, "")
        time.sleep(seconds)


def say(text: str) -> None:
    """Logs to standard error: file names and counts, never an accession."""
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Sends fields to secondlook and stores the answers as FHIR Observations.")
    parser.add_argument("--server", required=True, help="address of the server, for example http://127.0.0.1:8080")
    parser.add_argument("--out", required=True, type=Path, help="folder for the answers")
    parser.add_argument("--watch", type=Path, help="folder to watch: each NAME.jpg waits for its NAME.csv")
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two looks into the folder (default: 2)")
    parser.add_argument("--accession", default="", help="identifier of the specimen, for a single field")
    parser.add_argument("--attempt-seconds", type=float, default=120.0, help="seconds that one attempt may take (default: 120)")
    parser.add_argument("--give-up-seconds", type=float, default=900.0, help="seconds after which a field is given up (default: 900)")
    parser.add_argument("image", nargs="?", type=Path, help="picture of the field")
    parser.add_argument("nuclei", nargs="?", type=Path, help="its nuclei: CSV with cell_id, nucleus_x, nucleus_y; or JSON")
    options = parser.parse_args()
    if bool(options.watch) == bool(options.image and options.nuclei):
        parser.error("give a field and its nuclei (field.jpg nuclei.csv), or --watch and a folder")
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
        say(f"{locked}: check SECONDLOOK_API_KEY")
        sys.exit(2)
    except OSError as error:
        say(f"{error.filename or 'a file'}: {error.strerror}")
        sys.exit(2)
