"""What schemathesis cannot know from openapi.yaml: real images, and which values of parameters go together."""

import json
from pathlib import Path

import schemathesis
from hypothesis import strategies

CELLS = Path(__file__).parents[2] / "examples" / "cells"
IMAGES = strategies.sampled_from([path.read_bytes() for path in sorted(CELLS.glob("*.png"))])
NUCLEI = strategies.sampled_from(
    ['[{"id": "1", "x": 70, "y": 70}]', "cell_id,nucleus_x,nucleus_y\n1,70,70\n2,700,70\n"]
)

# The first bytes decide the format, whatever the content type says: so a PNG is right under each of them.
for media_type in ["application/octet-stream", "image/png", "image/jpeg", "image/bmp", "image/tiff", "image/webp"]:
    schemathesis.openapi.media_type(media_type, IMAGES)
schemathesis.openapi.format("binary", IMAGES)
schemathesis.openapi.format("nuclei", NUCLEI)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """To the document nuclei are text; here they get a name, so that not every text is taken for some."""
    raw_schema["components"]["schemas"]["MultipartField"]["properties"]["nuclei"]["format"] = "nuclei"


@schemathesis.hook
def filter_query(context, query):
    """An object without members becomes `seed=`, which is read as no seed at all: the server cannot see what was meant."""
    return not any(isinstance(value, dict) and not value for value in (query or {}).values())


@schemathesis.hook
def filter_body(context, body):
    """In a form one image is a list of one, and every value is text: the server cannot see that no list or a number was meant."""
    if isinstance(body, dict) and not isinstance(body.get("accession", ""), str):
        return False
    is_one = isinstance(body, dict) and not isinstance(body.get("image"), (list, type(None)))
    return not (is_one and context.operation.path == "/v1/predictions:batch")


@schemathesis.deserializer("application/x-ndjson")
def last_line(context, response):
    """Every line has the same schema; the last one is checked against it, and all of them have to be JSON."""
    return [json.loads(line) for line in response.content.splitlines()][-1]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes requests that follow the schema possible ones; those that break it on purpose stay as they are."""
    if not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    # A policy belongs to a model and a method; only some methods draw samples, and how many at most is configured.
    query.pop("policy", None)
    if "passes" in query:
        query.update(method="mc_dropout", passes=20)
    # The default model knows the width of its fields, not the size of their pixels, and refuses what is far from its own.
    query.pop("micrometres_per_pixel", None)
    if "source_width_px" in query:
        query["source_width_px"] = 1280
    # Pictures of views are for one cell at a time.
    if case.path in ("/v1/fields", "/v1/predictions:batch") and "views" in (query.get("include") or []):
        query.pop("include")
    if case.path == "/v1/fields" and query.get("exact") in (True, "true"):
        case.headers["Accept"] = "application/x-ndjson"
