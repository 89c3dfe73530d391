#!/usr/bin/env python3
"""Runs examples/lims_worker.py against a server and a bad connection: `python lims.py PROGRAM`.

First no server listens, then an answer is lost on the way, then the API key is over its rate. The
worker must store the answer that was lost: the same field gets the same answer. Then it watches a
folder.
"""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKER = [sys.executable, str(ROOT / "examples" / "lims_worker.py")]
FIELD = ROOT / "examples" / "cells" / "hsil.png"
NUCLEI = "cell_id,nucleus_x,nucleus_y\n17,70,70\n18,900,70\n"
ACCESSION = "S26-1234/A"
# Five seconds between two requests of the first key: longer than the worker waits after a lost
# attempt.
KEYS = {"rationed": "requests_per_minute = 12, burst = 1", "free": "requests_per_minute = 0"}


@contextmanager
def running(program: str):
    """Starts the server with two API keys; returns its host and port."""
    keys = [
        f'{{ name = "{name}", sha256 = "{hashlib.sha256(name.encode()).hexdigest()}", {rate} }}'
        for name, rate in KEYS.items()
    ]
    variables = os.environ | {"SECONDLOOK_ACCESS__KEYS": f"[{', '.join(keys)}]"}
    command = [program, "serve", "--listen", "127.0.0.1:0"]
    server = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        host, port = re.search(r"http://(.*):(\d+)", server.stdout.readline()).groups()
        yield host, int(port)
    finally:
        server.terminate()
        server.wait()


class Line:
    """A proxy to the server that loses the first answer. Until it opens, it refuses connections."""

    def __init__(self, server: tuple):
        self.server = server
        self.lost = None
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.address = "http://{}:{}".format(*self.socket.getsockname())

    def open(self) -> None:
        self.socket.listen()
        threading.Thread(target=self.carry, daemon=True).start()

    def carry(self) -> None:
        while True:
            client, _ = self.socket.accept()
            with client, socket.create_connection(self.server) as server:
                threading.Thread(target=pump, args=(client, server), daemon=True).start()
                answer = b"".join(iter(lambda: server.recv(65536), b""))
                if self.lost is None:
                    self.lost = answer
                else:
                    client.sendall(answer)
                # `pump` still reads from it, so closing it would not reach the other side.
                client.shutdown(socket.SHUT_RDWR)


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            sink.sendall(piece)
    except OSError:
        pass  # The other side has closed the connection.


def environment(key: str) -> dict:
    return os.environ | {"SECONDLOOK_API_KEY": key}


def lines_of(path: Path) -> list:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def check_retries(server: tuple, folder: Path) -> None:
    nuclei = folder / "nuclei.csv"
    nuclei.write_text(NUCLEI)
    line = Line(server)
    command = [*WORKER, "--server", line.address, "--out", folder, "--accession", ACCESSION, FIELD, nuclei]
    worker = subprocess.Popen(command, env=environment("rationed"), stderr=subprocess.PIPE, text=True)
    said = worker.stderr.readline()
    assert "URLError, attempt 1" in said, said
    line.open()
    said += worker.stderr.read()
    assert worker.wait() == 0, said
    assert "attempt 2; the same again" in said and "status 429" in said, said
    assert ACCESSION not in said, "the log must not contain the accession"

    head, _, body = line.lost.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    lost = [entry["resource"] for entry in json.loads(body)["entry"]]
    (observation,) = lines_of(folder / "hsil.Observation.ndjson")
    (outcome,) = lines_of(folder / "hsil.OperationOutcome.ndjson")
    assert observation in lost and outcome in lost, "expected the same answer to the same field"
    assert observation["status"] == "preliminary" and observation["component"], observation
    assert ACCESSION in json.dumps(observation), "the accession was not passed through"
    print("lims_worker: refused, cut off and rationed, it stored the answer that had got lost")


def check_watching(server: tuple, folder: Path) -> None:
    incoming, out = folder / "incoming", folder / "out"
    incoming.mkdir()
    (incoming / "good.png").write_bytes(FIELD.read_bytes())
    (incoming / "text.png").write_text("no image")
    for name in ["good", "text"]:
        (incoming / f"{name}.csv").write_text(NUCLEI)
    (incoming / "alone.png").write_bytes(FIELD.read_bytes())
    address = "http://{}:{}".format(*server)
    command = [*WORKER, "--server", address, "--out", out, "--watch", incoming, "--every", "0.1"]
    worker = subprocess.Popen(command, env=environment("free"), stderr=subprocess.DEVNULL)
    expected = {"good.Observation.ndjson", "good.OperationOutcome.ndjson", "text.problem.json"}
    try:
        wait_until(lambda: out.is_dir() and expected <= set(os.listdir(out)))
    finally:
        worker.terminate()
        worker.wait()
    assert set(os.listdir(out)) == expected, os.listdir(out)
    problem = json.loads((out / "text.problem.json").read_text())
    assert problem["type"] == "urn:secondlook:problem:unsupported-media-type", problem
    print("lims_worker: watched a folder, and kept the problem of what is no image")


def check_wrong_key(server: tuple, folder: Path) -> None:
    nuclei = folder / "nuclei.csv"
    nuclei.write_text(NUCLEI)
    out = folder / "nothing"
    command = [*WORKER, "--server", "http://{}:{}".format(*server), "--out", out, FIELD, nuclei]
    done = subprocess.run(command, env=environment("unknown"), capture_output=True, text=True)
    assert done.returncode == 2 and "API key" in done.stderr, done
    assert not list(out.iterdir()), "a wrong key must not be stored as a problem of the field"


def wait_until(holds, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.1)


def main() -> None:
    with running(sys.argv[1]) as server, tempfile.TemporaryDirectory() as folder:
        check_wrong_key(server, Path(folder))
        check_retries(server, Path(folder))
        check_watching(server, Path(folder))


if __name__ == "__main__":
    main()
