"""What schemathesis cannot know from openapi.yaml: real images, and which values of parameters go together."""

from pathlib import Path

import schemathesis
from hypothesis import strategies

CELLS = Path(__file__).parents[2] / "examples" / "cells"
IMAGES = strategies.sampled_from([path.read_bytes() for path in sorted(CELLS.glob("*.png"))])
NUCLEI = strategies.sampled_from(
    ['[{"id": "1", "x": 70, "y": 70}]', "cell_id,nucleus_x,nucleus_y\n1,70,70\n2,700,70\n", "[]"]
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
def before_call(context, case, kwargs):
    """Makes requests that follow the schema possible ones; those that break it on purpose stay as they are."""
    if not case.meta.generation.mode.is_positive:
        return
    query = case.query or {}
    # A policy belongs to a model and a method, and only some methods draw samples.
    query.pop("policy", None)
    if "passes" in query:
        query["method"] = "mc_dropout"
    # One scale is enough, and the model refuses what is far from its own.
    if "source_width_px" in query:
        query["source_width_px"] = 1280
        query.pop("micrometres_per_pixel", None)
