"""Facts that openapi.yaml cannot express: real images, and which parameters go together."""

import json
from pathlib import Path

import schemathesis
from hypothesis import strategies

CELLS = Path(__file__).parents[2] / "examples" / "cells"
IMAGES = strategies.sampled_from([path.read_bytes() for path in sorted(CELLS.glob("*.png"))])
NUCLEI = strategies.sampled_from(
    ['[{"id": "1", "x": 70, "y": 70}]', "cell_id,nucleus_x,nucleus_y\n1,70,70\n2,700,70\n"]
)

# The first bytes decide the format, not the content type, so a PNG is right under each of them.
for media_type in ["application/octet-stream", "image/png", "image/jpeg", "image/bmp", "image/tiff", "image/webp"]:
    schemathesis.openapi.media_type(media_type, IMAGES)
schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.format("nuclei", NUCLEI)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Gives nuclei, which are text in the document, a format of their own."""
    raw_schema["components"]["schemas"]["MultipartField"]["properties"]["nuclei"]["format"] = "nuclei"


@schemathesis.hook
def filter_query(context, query):
    """Drops empty objects: they become `seed=`, which the server cannot tell from no seed."""
    return not any(isinstance(value, dict) and not value for value in (query or {}).values())


@schemathesis.hook
def filter_body(context, body):
    """Drops bodies that a form cannot express: a number, or one image outside a list."""
    if isinstance(body, dict) and not isinstance(body.get("accession", ""), str):
        return False
    is_one = isinstance(body, dict) and not isinstance(body.get("image"), (list, type(None)))
    return not (is_one and context.operation.path == "/v1/predictions:batch")


@schemathesis.deserializer("application/x-ndjson")
def last_line(context, response):
    """Parses every line as JSON and checks the last one; all have the same schema."""
    return [json.loads(line) for line in response.content.splitlines()][-1]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Adjusts valid requests so that the server can answer them. Invalid ones stay as they are."""
    if not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    # A policy belongs to a model and a method. Only some methods take `passes`, up to a configured
    # number.
    query.pop("policy", None)
    if "passes" in query:
        query.update(method="mc_dropout", passes=20)
    # The default model knows the width of its fields, not the size of their pixels, and refuses
    # very different ones.
    query.pop("micrometres_per_pixel", None)
    if "source_width_px" in query:
        query["source_width_px"] = 1280
    # `include=views` is for one cell at a time.
    if case.path in ("/v1/fields", "/v1/predictions:batch") and "views" in (query.get("include") or []):
        query.pop("include")
    if case.path == "/v1/fields" and query.get("exact") in (True, "true"):
        case.headers["Accept"] = "application/x-ndjson"
