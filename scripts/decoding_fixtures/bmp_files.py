"""BMP files: Pillow's, and those of other depths, headers and orders, written field by field."""

import io
import itertools
import struct

import numpy
from PIL import Image

import pictures
from tiff_unusual import packed_bits

SIZES = [(37, 23), (8, 8), (1, 5), (3, 2)]


def add_all(cases):
    for size in SIZES:
        rgb = pictures.rgb(*size)
        where = f"{size[0]}x{size[1]}.bmp"
        for mode in ("1", "L", "P", "RGB", "RGBA"):
            image = Image.fromarray(rgb).convert(mode)
            file = io.BytesIO()
            image.save(file, "BMP")
            cases.lossless(f"pillow_{mode}_{where}", "Pillow", file.getvalue(), numpy.asarray(image.convert("RGB")))
        add_depths(cases, size, where)
        add_run_lengths(cases, size, where)


def bmp(size, bits, rows, compression=0, palette=b"", masks=(), top_down=False, header_bytes=40):
    """`rows` is the pixels from the bottom up, or from the top where `top_down`."""
    width, height = size
    header = struct.pack("<IiiHHIIiiII", header_bytes, width, -height if top_down else height, 1, bits, compression, len(rows), 2835, 2835, 0, 0)
    packed_masks = struct.pack(f"<{len(masks)}I", *masks)
    rest = (packed_masks if header_bytes == 40 else packed_masks.ljust(header_bytes - 40, b"\0")) + palette
    start = 14 + len(header) + len(rest)
    return struct.pack("<2sIHHI", b"BM", start + len(rows), 0, 0, start) + header + rest + rows


def padded(rows, top_down=False):
    """Rows padded to multiples of four bytes."""
    rows = rows if top_down else rows[::-1]
    return b"".join(row + b"\0" * (-len(row) % 4) for row in rows)


def quads(colours):
    table = pictures.high_byte(pictures.colour_map(colours)).T
    return table, b"".join(bytes([blue, green, red, 0]) for red, green, blue in table)


def add_depths(cases, size, where):
    rgb = pictures.rgb(*size)
    for top_down, header in itertools.product((False, True), (40, 108, 124)):
        name = f"{'top_down_' if top_down else ''}header{header}_{where}"
        rows = [row[:, ::-1].tobytes() for row in rgb]
        cases.lossless(f"bits24_{name}", "24 and 32 bits", bmp(size, 24, padded(rows, top_down), top_down=top_down, header_bytes=header), rgb)
        four = numpy.concatenate([rgb[..., ::-1], numpy.zeros_like(rgb[..., :1])], axis=-1)
        rows = [row.tobytes() for row in four]
        cases.lossless(f"bits32_{name}", "24 and 32 bits", bmp(size, 32, padded(rows, top_down), top_down=top_down, header_bytes=header), rgb)
        for bits in (1, 4, 8):
            index = pictures.indices(*size, 2**bits)
            table, palette = quads(2**bits)
            rows = [packed_bits(row[None], bits) for row in index]
            data = bmp(size, bits, padded(rows, top_down), palette=palette, top_down=top_down, header_bytes=header)
            cases.lossless(f"palette{bits}_{name}", "palette", data, table[index])
    add_sixteen_bits(cases, size, where)


def add_sixteen_bits(cases, size, where):
    """5 bits of each colour, or 5, 6 and 5 by masks."""
    red, green, blue = (channel.astype(numpy.uint16) for channel in numpy.moveaxis(pictures.rgb(*size), -1, 0))
    words = (red >> 3) << 10 | (green >> 3) << 5 | blue >> 3
    rows = padded([row.astype("<u2").tobytes() for row in words])
    cases.lossy(f"bits16_555_{where}", "16 bits", bmp(size, 16, rows))
    words = (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
    rows = padded([row.astype("<u2").tobytes() for row in words])
    cases.lossy(f"bits16_565_{where}", "16 bits", bmp(size, 16, rows, compression=3, masks=(0xF800, 0x07E0, 0x001F)))


def add_run_lengths(cases, size, where):
    """Runs of one index, a row at a time."""
    index = pictures.indices(*size, 256) // 64 * 64
    table, palette = quads(256)
    data = b""
    for row in index[::-1]:
        for value, run in itertools.groupby(row.tolist()):
            data += bytes([len(list(run)), value])
        data += b"\0\0"
    cases.lossless(f"run_lengths8_{where}", "run lengths", bmp(size, 8, data + b"\0\1", compression=1, palette=palette), table[index])
