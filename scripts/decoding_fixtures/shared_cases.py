"""Pillow's pixels of the images in `../shared/cases`."""

from pathlib import Path

FOLDER = Path("../shared/cases")


def add_all(cases):
    for path in sorted(FOLDER.iterdir()):
        if path.suffix not in {".jpg", ".tif", ".webp"}:
            continue
        # the JPEG files are refused, so the digest is enough
        is_lossy = path.suffix == ".tif" and "jpeg" in path.name
        cases.elsewhere(path.name, path.suffix.strip("."), path.read_bytes(), is_lossy)
