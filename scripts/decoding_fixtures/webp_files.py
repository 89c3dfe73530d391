"""WebP files of libwebp, through Pillow. Orientation chunks are added byte by byte."""

import io
import itertools
import struct

import numpy
from PIL import Image

import pictures

SIZES = [(37, 23), (64, 48), (17, 33), (1, 1), (16, 16), (5, 31)]


def add_all(cases):
    for size in SIZES:
        rgb = pictures.rgb(*size)
        rgba = numpy.concatenate([rgb, pictures.alpha(*size)[..., None]], axis=-1)
        for name, picture in {"rgb": rgb, "rgba": rgba}.items():
            where = f"{name}_{size[0]}x{size[1]}.webp"
            for method in (0, 4, 6):
                data = webp(picture, lossless=True, exact=True, method=method)
                cases.lossless(f"lossless_method{method}_{where}", "lossless", data, rgb)
            for quality, method in itertools.product((10, 50, 80, 100), (0, 4)):
                cases.lossy(f"lossy_{quality}_method{method}_{where}", "lossy", webp(picture, quality=quality, method=method))
    add_orientations(cases)


def webp(picture, **options):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", **options)
    return file.getvalue()


def add_orientations(cases):
    rgb = pictures.rgb(37, 23)
    rgba = numpy.concatenate([rgb, pictures.alpha(37, 23)[..., None]], axis=-1)
    for order, orientation, prefixes, has_alpha in itertools.product("<>", range(1, 9), (0, 1, 2), (False, True)):
        exif = b"Exif\0\0" * prefixes + pictures.exif(orientation, order)
        data = with_exif(webp(rgba if has_alpha else rgb, lossless=True, exact=True), exif, rgb.shape, has_alpha)
        name = {"<": "little", ">": "big"}[order] + ("_alpha" if has_alpha else "") + f"_prefixes{prefixes}"
        cases.lossless(f"orientation_{orientation}_{name}.webp", "orientation", data, pictures.upright(rgb, orientation))


def with_exif(simple, exif, shape, has_alpha):
    """The extended form of a simple file: flags, size minus one in 24 bits each, pixels, EXIF."""
    flags = 0x08 | (0x10 if has_alpha else 0)
    height, width = shape[:2]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    content = b"WEBP" + chunk(b"VP8X", bytes([flags, 0, 0, 0]) + size) + simple[12:] + chunk(b"EXIF", exif)
    return b"RIFF" + struct.pack("<I", len(content)) + content


def chunk(name, data):
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)
