"""Makes `tests/fixtures/decoding/*.tar.gz` again: `python3 scripts/decoding_fixtures`.

Needs Debian's `libjpeg-turbo-progs`, and PyPI's pillow, tifffile, imagecodecs and numpy.
"""

import sys
from pathlib import Path

import bmp_files
import jpeg_files
import png_files
import shared_cases
import tiff_files
import webp_files
from archive import Cases

OUT = Path("tests/fixtures/decoding")

FORMATS = {"jpeg": jpeg_files, "tiff": tiff_files, "png": png_files, "webp": webp_files, "bmp": bmp_files}
# The files of others are outside the repository; only Pillow's results are stored
FORMATS |= {"shared_cases": shared_cases}


def main():
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:]
    for name, files in FORMATS.items():
        if wanted and name not in wanted:
            continue
        cases = Cases()
        files.add_all(cases)
        cases.write(OUT / f"{name}.tar.gz")


main()
