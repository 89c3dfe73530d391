"""PNG files of every colour type, depth and filter, written chunk by chunk, and Pillow's own."""

import io
import itertools
import struct
import zlib

import numpy
from PIL import Image

import pictures
from tiff_unusual import packed_bits

SIZES = [(37, 23), (8, 8), (1, 5), (3, 2)]
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, colour_type, depth, interlaced=False, filters=(0,), before=b"", after=b""):
    """`samples` is height x width x channels; `before` and `after` are chunks beside the pixels."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, int(interlaced))
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b"".join(filtered(samples[top::down, left::right], depth, filters) for left, top, right, down in passes)
    chunks = chunk(b"IHDR", header) + before + chunk(b"IDAT", zlib.compress(rows)) + after + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def filtered(samples, depth, filters):
    """Rows with the filters in turn. A pass without pixels has no rows."""
    if samples.size == 0:
        return b""
    step = max(samples.shape[2] * depth // 8, 1)
    lines = []
    above = None
    for number, row in enumerate(samples):
        line = numpy.frombuffer(stored(row, depth), numpy.uint8).astype(numpy.int64)
        above = numpy.zeros_like(line) if above is None else above
        kind = filters[number % len(filters)]
        left = numpy.concatenate([numpy.zeros(step, numpy.int64), line])[: len(line)]
        corner = numpy.concatenate([numpy.zeros(step, numpy.int64), above])[: len(line)]
        guess = [0, left, above, (left + above) // 2, paeth(left, above, corner)][kind]
        lines.append(bytes([kind]) + ((line - guess) % 256).astype(numpy.uint8).tobytes())
        above = line
    return b"".join(lines)


def stored(row, depth):
    if depth == 16:
        return row.astype(">u2").tobytes()
    return row.tobytes() if depth == 8 else packed_bits(row.reshape(1, -1), depth)


def paeth(left, above, corner):
    estimate = left + above - corner
    distances = numpy.abs(numpy.stack([estimate - left, estimate - above, estimate - corner]))
    return numpy.choose(distances.argmin(axis=0), [left, above, corner])


def add_all(cases):
    add_layouts(cases)
    add_palettes(cases)
    add_of_pillow(cases)
    add_orientations(cases)


def layouts(size):
    for depth in (8, 16):
        rgb, grey, alpha = pictures.rgb(*size, depth), pictures.grey(*size, depth)[..., None], pictures.alpha(*size, depth)[..., None]
        colours, light = pictures.high_byte(rgb), pictures.repeated(grey[..., 0])
        yield "grey", GREY, depth, grey, light
        yield "rgb", RGB, depth, rgb, colours
        yield "grey_alpha", GREY_ALPHA, depth, numpy.concatenate([grey, alpha], axis=-1), light
        yield "rgba", RGBA, depth, numpy.concatenate([rgb, alpha], axis=-1), colours
    for depth in (1, 2, 4):
        values = pictures.grey(*size) >> 8 - depth
        yield "grey", GREY, depth, values[..., None], pictures.repeated(values * (255 // (2**depth - 1)))


def add_layouts(cases):
    for size, interlaced, filters in itertools.product(SIZES, (False, True), ((0,), (1, 2, 3, 4))):
        for name, colour_type, depth, samples, expected in layouts(size):
            label = f"{name}{depth}_{size[0]}x{size[1]}{'_interlaced' if interlaced else ''}_filters{''.join(map(str, filters))}.png"
            data = png(samples, colour_type, depth, interlaced, filters)
            cases.lossless(label, "interlaced" if interlaced else "rows", data, expected)
    rgb, grey = pictures.rgb(37, 23), pictures.grey(37, 23)[..., None]
    transparent = chunk(b"tRNS", struct.pack(">HHH", 70, 40, 120))
    cases.lossless("rgb8_transparent_colour.png", "rows", png(rgb, RGB, 8, before=transparent), rgb)
    transparent = chunk(b"tRNS", struct.pack(">H", 40))
    cases.lossless("grey8_transparent_value.png", "rows", png(grey, GREY, 8, before=transparent), pictures.repeated(grey[..., 0]))


def add_palettes(cases):
    for depth, interlaced, has_alpha in itertools.product((1, 2, 4, 8), (False, True), (False, True)):
        colours = 2**depth
        index = pictures.indices(37, 23, colours)
        table = pictures.high_byte(pictures.colour_map(colours)).T
        before = chunk(b"PLTE", numpy.ascontiguousarray(table).tobytes())
        if has_alpha:
            before += chunk(b"tRNS", bytes(range(0, colours, max(colours // 8, 1))))
        data = png(index[..., None], PALETTE, depth, interlaced, before=before)
        label = f"palette{depth}{'_interlaced' if interlaced else ''}{'_alpha' if has_alpha else ''}.png"
        cases.lossless(label, "palette", data, table[index])


def add_of_pillow(cases):
    for size in SIZES:
        rgb = pictures.rgb(*size)
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
            image = Image.fromarray(rgb).convert(mode)
            data = saved(image)
            cases.lossless(f"pillow_{mode}_{size[0]}x{size[1]}.png", "Pillow", data, numpy.asarray(image.convert("RGB")))


def saved(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def add_orientations(cases):
    rgb = pictures.rgb(37, 23)
    for order, orientation, has_prefix, is_after in itertools.product("<>", range(1, 9), (False, True), (False, True)):
        data = chunk(b"eXIf", (b"Exif\0\0" if has_prefix else b"") + pictures.exif(orientation, order))
        place = {"after": data} if is_after else {"before": data}
        name = {"<": "little", ">": "big"}[order] + ("_prefix" if has_prefix else "") + ("_after_pixels" if is_after else "")
        expected = pictures.upright(rgb, orientation)
        cases.lossless(f"orientation_{orientation}_{name}.png", "orientation", png(rgb, RGB, 8, **place), expected)
