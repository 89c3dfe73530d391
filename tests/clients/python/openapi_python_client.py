"""The client of openapi-python-client: `python openapi_python_client.py http://HOST:PORT CELLS`."""

import sys

from understood import report

# example begins
from pathlib import Path

from secondlook_client import Client
from secondlook_client.api.predictions import create_field, create_prediction
from secondlook_client.models import MethodName, MultipartField, Problem
from secondlook_client.types import File


def ask(address: str, image: bytes):
    client = Client(base_url=address)
    how = {"method": MethodName.MC_DROPOUT, "seed": 7}
    return create_prediction.sync(client=client, body=File(payload=image), **how)


def ask_about_field(address: str, field: Path, nuclei: str):
    with Client(base_url=address) as client, field.open("rb") as image:
        form = MultipartField(image=File(payload=image, file_name=field.name), nuclei=nuclei)
        return create_field.sync(client=client, body=form, seed=7)


# An error is a `Problem`: `if isinstance(answer, Problem): print(answer.type_, answer.hint)`
# example ends


def main(address: str, cells: Path, nuclei: str) -> None:
    answer = ask(address, (cells / "hsil.png").read_bytes())
    refused = ask(address, (cells / "README.md").read_bytes())
    assert isinstance(refused, Problem), refused
    field = ask_about_field(address, cells / "hsil.png", nuclei)
    report(answer, refused, field, kind="type_")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
