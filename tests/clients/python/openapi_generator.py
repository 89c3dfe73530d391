"""The Python client of openapi-generator.

    python openapi_generator.py http://HOST:PORT CELLS NUCLEI
"""

import sys

from understood import report

# example begins
from pathlib import Path

from secondlook_generated import ApiClient, ApiException, Configuration, MethodName, PredictionsApi


def ask(address: str, image: bytes):
    with ApiClient(Configuration(host=address)) as client:
        return PredictionsApi(client).create_prediction(image, method=MethodName.MC_DROPOUT, seed=7)


def ask_about_field(address: str, field: Path, nuclei: str):
    with ApiClient(Configuration(host=address)) as client:
        return PredictionsApi(client).create_field((field.name, field.read_bytes()), nuclei, seed=7)


def problem_with(address: str, image: bytes):
    try:
        ask(address, image)
    except ApiException as error:
        return error.data
    return None


# example ends


def main(address: str, cells: Path, nuclei: str) -> None:
    answer = ask(address, (cells / "hsil.png").read_bytes())
    refused = problem_with(address, (cells / "README.md").read_bytes())
    field = ask_about_field(address, cells / "hsil.png", nuclei)
    report(answer, refused, field, kind="type")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
