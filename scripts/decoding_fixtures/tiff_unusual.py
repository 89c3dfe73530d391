"""TIFF files with few bits, unusual samples or missing tags, written tag by tag."""

import struct

import numpy

import pictures

WIDTH, HEIGHT = 21, 19
TYPES = {"H": (3, 2), "I": (4, 4)}


def written(tags, data, order="<"):
    """One strip; each tag is (number, type `H` or `I`, values)."""
    tags = sorted([*tags, (273, "I", [0]), (279, "I", [len(data)])])
    heap_at = 8 + 2 + 12 * len(tags) + 4
    heap = b""
    values = {}
    for number, kind, numbers in tags:
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        values[number] = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack(f"{order}I", heap_at + len(heap))
        heap += packed if len(packed) > 4 else b""
    values[273] = struct.pack(f"{order}I", heap_at + len(heap))
    head = struct.pack(f"{order}2sHIH", b"II" if order == "<" else b"MM", 42, 8, len(tags))
    entries = b"".join(
        struct.pack(f"{order}HHI", number, TYPES[kind][0], len(numbers)) + values[number] for number, kind, numbers in tags
    )
    return head + entries + b"\0\0\0\0" + heap + data


def described(photometric, bits, samples=1, more=()):
    usual = [(256, "I", [WIDTH]), (257, "I", [HEIGHT]), (258, "H", [bits] * samples), (259, "H", [1])]
    return [*usual, (262, "H", [photometric]), (277, "H", [samples]), (278, "I", [HEIGHT]), *more]


def packed_bits(values, bits):
    """Rows of samples of `bits` bits, each row padded to a byte."""
    shifts = numpy.arange(bits - 1, -1, -1)
    rows = (values[..., None] >> shifts & 1).reshape(values.shape[0], -1).astype(numpy.uint8)
    return numpy.packbits(rows, axis=1).tobytes()


def add_all(cases):
    add_few_bits(cases)
    add_few_bits_of_palettes(cases)
    add_missing_tags(cases)
    add_other_samples(cases)


def add_few_bits(cases):
    for bits in (1, 2, 4, 12):
        values = pictures.grey(WIDTH, HEIGHT).astype(numpy.uint16) >> 8 - bits if bits < 8 else pictures.grey(WIDTH, HEIGHT, 16) >> 4
        scaled = values * 255 // (2**bits - 1) if bits < 8 else values >> 4
        expected = pictures.repeated(scaled.astype(numpy.uint8))
        data = packed_bits(values, bits)
        kind = "bilevel" if bits == 1 else "2, 4 or 12 bits"
        cases.lossless(f"bits{bits}.tif", kind, written(described(1, bits), data), expected)
        cases.lossless(f"bits{bits}_big.tif", kind, written(described(1, bits), data, ">"), expected)
        negative = packed_bits(2**bits - 1 - values, bits)
        cases.lossless(f"bits{bits}_white_is_zero.tif", kind, written(described(0, bits), negative), expected)
        if bits == 1:
            reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
            tags = described(1, 1, more=[(266, "H", [2])])
            cases.lossless("bits1_fill_order_2.tif", kind, written(tags, reversed_bits), expected)
            tags = [tag for tag in described(1, 1) if tag[0] not in (258, 277, 278)]
            cases.lossless("bits1_by_default.tif", kind, written(tags, data), expected)


def add_few_bits_of_palettes(cases):
    for bits in (1, 2, 4):
        index = pictures.indices(WIDTH, HEIGHT, 2**bits)
        colours = pictures.colour_map(2**bits)
        expected = numpy.moveaxis(pictures.high_byte(colours)[:, index], 0, -1)
        tags = described(3, bits, more=[(320, "H", colours.ravel().tolist())])
        cases.lossless(f"palette{bits}.tif", "palette", written(tags, packed_bits(index, bits)), expected)


def add_missing_tags(cases):
    """Tags that many programs leave out; libtiff reads the files."""
    rgb, alpha, grey = pictures.rgb(WIDTH, HEIGHT), pictures.alpha(WIDTH, HEIGHT), pictures.grey(WIDTH, HEIGHT)
    rgba = numpy.concatenate([rgb, alpha[..., None]], axis=-1)
    grey_alpha = numpy.stack([grey, alpha], axis=-1)
    inks = pictures.inks(WIDTH, HEIGHT)
    kind = "missing or unusual tags"
    cases.lossless("rgb_no_rows_per_strip.tif", kind, written([tag for tag in described(2, 8, 3) if tag[0] != 278], rgb.tobytes()), rgb)
    one_width = [tag if tag[0] != 258 else (258, "H", [8]) for tag in described(2, 8, 3)]
    cases.lossless("rgb_one_bit_width.tif", kind, written(one_width, rgb.tobytes()), rgb)
    for order in "<>":
        name = {"<": "little", ">": "big"}[order]
        turned = described(2, 8, 3, [(274, "I", [6])])
        cases.lossless(f"rgb_orientation_as_long_{name}.tif", kind, written(turned, rgb.tobytes(), order), pictures.upright(rgb, 6))
        nine = described(2, 8, 3, [(274, "H", [9])])
        cases.lossless(f"rgb_orientation_9_{name}.tif", kind, written(nine, rgb.tobytes(), order), rgb)
    # four samples; the fourth is unspecified
    for predictor in (1, 2):
        stored = rgba if predictor == 1 else numpy.concatenate([rgba[:, :1], numpy.diff(rgba, axis=1)], axis=1)
        tags = described(2, 8, 4, [(317, "H", [predictor])])
        cases.lossless(f"rgb_fourth_unsaid_predictor{predictor}.tif", kind, written(tags, stored.tobytes()), rgb)
    cases.lossless("grey_second_unsaid.tif", kind, written(described(1, 8, 2), grey_alpha.tobytes()), pictures.repeated(grey))
    tags = described(5, 8, 4, [(332, "H", [2]), (334, "H", [4])])
    cases.lossless("inks_of_another_set.tif", kind, written(tags, inks.tobytes()), pictures.from_inks(inks))


def add_other_samples(cases):
    """Samples without an agreed range, or without agreed colours unless there is a profile."""
    grey, rgb = pictures.grey(WIDTH, HEIGHT, 16), pictures.rgb(WIDTH, HEIGHT)
    expected = pictures.repeated(grey)
    kind = "signed, floating-point, wide, Lab or YCbCr samples"
    stored = {
        "signed16": (16, 2, grey.astype(numpy.int16)),
        "float16": (16, 3, grey.astype(numpy.float16)),
        "float32": (32, 3, grey.astype(numpy.float32)),
        "unsigned32": (32, 1, grey.astype(numpy.uint32) * 65536),
        "float64": (64, 3, grey.astype(numpy.float64)),
    }
    for name, (bits, sample_format, values) in stored.items():
        tags = described(1, bits, more=[(339, "H", [sample_format])])
        cases.lossless(f"{name}.tif", kind, written(tags, values.tobytes()), expected)
    tags = described(2, 32, 3, [(339, "H", [3, 3, 3])])
    cases.lossless("rgb_float32.tif", kind, written(tags, (rgb / 255).astype(numpy.float32).tobytes()), rgb)
    for name, photometric, more in [
        ("ycbcr_444", 6, [(530, "H", [1, 1])]),
        ("lab", 8, []),
        ("icc_lab", 9, []),
        ("mask", 4, []),
        ("colour_filter_array", 32803, []),
    ]:
        samples = 3 if photometric in (6, 8, 9) else 1
        data = rgb if samples == 3 else rgb[..., 1]
        cases.unread(f"{name}.tif", kind, written(described(photometric, 8, samples, more), data.tobytes()))
