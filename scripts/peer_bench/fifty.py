"""The fifty-pass job: one image answered with fifty samples of the same network at the same size.

A peer serves one graph, so it runs fifty rows. Ours runs the trunk once and the head with fifty
masks: one `mc_dropout` answer. Peers and ours are measured in turn.
"""

import json
import urllib.request

# Ours gets an image in a form, since most of the peers parse a form.
FORM = {"format": "multipart", "field": "image"}
OURS = {"name": "ours, mc_dropout T = 50", "path": "/v1/predictions?method=mc_dropout", **FORM}
BY_HAND = {"name": "fastapi50", "script": "peers/start_fastapi50.sh", "path": "/predict", "format": "multipart", "field": "file"}
MLSERVER = {"name": "mlserver", "script": "peers/start_mlserver.sh", "path": "/v2/models/cells/infer", "format": "v2", "field": "file"}
ROWS = ["--rows", 50]
# The largest difference of a probability between two JPEG decoders, for a cell that the model is
# unsure of. Most differ by a tenth of it; another model differs by ten times as much.
TOLERANCE = 0.05


def measure(run, rounds, seconds, ours):
    """Writes a line to `run` for each round and way, and one for a server that does not start."""
    servers = []

    def up(peer):
        server, url = run.up(peer, "fifty")
        if not url:
            return None
        servers.append(server)
        return server, url

    try:
        by_hand, mlserver, mine = up(BY_HAND), up(MLSERVER), up({**OURS, **ours})
        ways = []
        if by_hand:
            base = by_hand[1].removesuffix("/predict")
            ways += [
                ("fastapi, 50 requests", BY_HAND, by_hand[0], by_hand[1], 50, [], 50),
                ("fastapi, 50 rows in a request", BY_HAND, by_hand[0], f"{base}/rows", 2, ROWS, 1),
                ("fastapi, repeated in the handler", BY_HAND, by_hand[0], f"{base}/t50", 2, [], 1),
            ]
        if mlserver:
            ways.append(("mlserver, 50 rows in a request", MLSERVER, *mlserver, 2, ROWS, 1))
        if mine:
            ways += [(f"{OURS['name']}, {clients} clients", OURS, *mine, clients, [], 1) for clients in (2, 8)]
        for number in range(rounds):
            for name, peer, server, url, clients, extra, requests in ways:
                done = run.closed(peer, server, url, number, clients, seconds, extra=extra, warm=0.3)
                # The harness counts the CPU of a row.
                rows = done["rows"] if extra else requests
                run.emit(round=number, peer="fifty", kind="fifty", way=name, jobs_s=done["rps"] / requests,
                         cpu_ms_job=done["cpu_ms_img"] * rows, p50_ms=done["p50_ms"], codes=done["codes"])
    finally:
        for server in servers:
            server.stop()


def disagreement(run, ours, images):
    """The largest difference of a probability between FastAPI and ours on the same images.

    None if one of them does not start.
    """
    servers = []
    try:
        (peer, peer_url), (mine, my_url) = run.up(BY_HAND, "agree"), run.up(ours, "agree")
        servers = [server for server in (peer, mine) if server]
        if len(servers) < 2:
            return None
        return max(difference(peer_url, my_url, image.read_bytes()) for image in images)
    finally:
        for server in servers:
            server.stop()


def difference(peer_url, my_url, image):
    mine = ask(my_url, image, FORM["field"])["probabilities"]
    theirs = ask(peer_url, image, BY_HAND["field"])["probs"]
    return max(abs(one["probability"] - other) for one, other in zip(mine, theirs, strict=True))


def ask(url, image, field):
    head = f'--b\r\nContent-Disposition: form-data; name="{field}"; filename="c.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = head.encode() + image + b"\r\n--b--\r\n"
    request = urllib.request.Request(url, data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
