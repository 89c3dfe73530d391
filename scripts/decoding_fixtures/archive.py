"""One archive per format: files, `cases.json`, and for lossy formats the reference pixels."""

import gzip
import io
import json
import tarfile

import numpy
from PIL import Image, ImageOps

import pictures


class Cases:
    """Collects files. The test counts them by `kind`."""

    def __init__(self):
        self.cases = []
        self.members = {}

    def lossless(self, name, kind, data, expected):
        """A file with known pixels. Pillow must agree if it reads the file."""
        self._add(name, kind, data, expected, compared(data, expected))

    def lossy(self, name, kind, data):
        """A file with the pixels that Pillow decodes. Equal pixels are stored once."""
        expected = pillow_pixels(data)
        self.members.setdefault(f"pixels/{pictures.digest(expected)}.rgb", expected.tobytes())
        self._add(name, kind, data, expected, "agrees")

    def elsewhere(self, name, kind, data, is_lossy):
        """A file outside the repository. Only Pillow's result is stored."""
        expected = pillow_pixels(data)
        if is_lossy:
            self.members.setdefault(f"pixels/{pictures.digest(expected)}.rgb", expected.tobytes())
        self._case(name, kind, expected, "agrees")

    def unread(self, name, kind, data):
        """A file whose pixels no reference defines, so it must be refused."""
        self.members[f"files/{name}"] = data
        self.cases.append({"file": name, "kind": kind, "pillow": "not asked"})

    def _add(self, name, kind, data, expected, pillow):
        assert f"files/{name}" not in self.members, name
        self.members[f"files/{name}"] = data
        self._case(name, kind, expected, pillow)

    def _case(self, name, kind, expected, pillow):
        height, width = expected.shape[:2]
        case = {"file": name, "kind": kind, "width": width, "height": height}
        self.cases.append(case | {"sha256_rgb": pictures.digest(expected), "pillow": pillow})

    def write(self, path):
        lines = ",\n".join(json.dumps(case) for case in self.cases)
        members = {"cases.json": f"[\n{lines}\n]\n".encode()} | self.members
        with open(path, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
            with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
                for name, data in members.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(data)
                    archive.addfile(entry, io.BytesIO(data))
        report(path, self.cases)


def pillow_pixels(data):
    """Orientation applied, alpha dropped."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return numpy.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def compared(data, expected):
    """Whether Pillow reads the file, and the same pixels."""
    try:
        pixels = pillow_pixels(data)
    except Exception as error:  # Pillow has no common class for what it cannot read
        return f"cannot read it: {type(error).__name__}"
    if pixels.shape == expected.shape and (pixels == expected).all():
        return "agrees"
    return "differs"


def report(path, cases):
    counts = {}
    for case in cases:
        key = (case["kind"], case["pillow"])
        counts[key] = counts.get(key, 0) + 1
    print(path, len(cases), "files,", path.stat().st_size, "bytes")
    for (kind, verdict), count in sorted(counts.items()):
        print(f"  {count:4} {kind}: Pillow {verdict}")
