"""The pictures to encode, and the rule that turns their samples into the promised pixels."""

import hashlib
import struct

import numpy


def rgb(width, height, depth=8):
    """Two gradients, a dark ellipse beside the middle and a bright bar.

    No two sides and no two channels look alike.
    """
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    red = 60 + 150 * x // max(width - 1, 1)
    green = 200 - 140 * y // max(height - 1, 1)
    blue = 90 + 100 * (x + y) // max(width + height - 2, 1)
    picture = numpy.stack([red, green, blue], axis=-1)
    nucleus = ((x - 0.4 * width) / (0.25 * width + 1)) ** 2 + ((y - 0.35 * height) / (0.2 * height + 1)) ** 2 < 1
    picture[nucleus] = [70, 40, 120]
    picture[(x > 0.7 * width) & (y > 0.6 * height)] = [230, 220, 90]
    if depth == 8:
        return picture.astype(numpy.uint8)
    # the low byte differs from the high one, to detect a decoder that keeps the wrong one
    return (picture * 256 + (picture * 7 + 13) % 256).astype(numpy.uint16)


def contrast(width, height):
    """Eight colours in an order without a pattern."""
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    code = (x * x * 7 + y * y * 13 + x * y * 5 + x // 3 + y // 2) % 8
    return numpy.stack([code & 1, code >> 1 & 1, code >> 2], axis=-1).astype(numpy.uint8) * 255


def alpha(width, height, depth=8):
    """From nearly transparent to opaque. Never zero, where Pillow has no colour to divide."""
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    values = 40 + 215 * (2 * x + y) // max(2 * width + height - 3, 1)
    return values.astype(numpy.uint8) if depth == 8 else (values * 256 + 5).astype(numpy.uint16)


def grey(width, height, depth=8):
    return rgb(width, height, depth)[..., 1].copy()


def inks(width, height, depth=8):
    """Cyan, magenta, yellow and black."""
    colours = rgb(width, height, depth)
    black = alpha(width, height, depth) // 4
    return numpy.concatenate([colours, black[..., None]], axis=-1)


def indices(width, height, colours):
    x, y = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    return ((3 * x + 5 * y) % colours).astype(numpy.uint8)


def colour_map(colours):
    """16-bit red, green and blue of each index, in TIFF's order: three rows."""
    index = numpy.arange(colours)
    steps = [37, 91, 151]
    return numpy.stack([(index * step + 11) % 256 * 257 for step in steps]).astype(numpy.uint16)


def high_byte(samples):
    return samples if samples.dtype == numpy.uint8 else (samples >> 8).astype(numpy.uint8)


def repeated(values):
    return numpy.repeat(high_byte(values)[..., None], 3, axis=-1)


def from_inks(samples):
    """Pillow's conversion without a profile, in its own integer arithmetic."""
    samples = high_byte(samples).astype(numpy.int64)
    light = 255 - samples[..., 3:]
    product = samples[..., :3] * light + 128
    return (light - ((product + (product >> 8)) >> 8)).astype(numpy.uint8)


def unpremultiplied(samples):
    """Pillow's division of colours that were stored multiplied by their alpha."""
    samples = high_byte(samples).astype(numpy.int64)
    return numpy.minimum(255 * samples[..., :3] // samples[..., 3:], 255).astype(numpy.uint8)


def upright(pixels, orientation):
    """The picture turned as EXIF's orientation says: 2 to 4 keep the sides, 5 to 8 swap them."""
    mirrored = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    return numpy.flip(pixels, mirrored.get(orientation, ()))


def digest(pixels):
    return hashlib.sha256(numpy.ascontiguousarray(pixels).tobytes()).hexdigest()


def exif(orientation, order="<"):
    """EXIF data with only an orientation, `<` little-endian or `>` big-endian."""
    magic = b"II" if order == "<" else b"MM"
    return magic + struct.pack(f"{order}HIHHHIHHI", 42, 8, 1, 0x112, 3, 1, orientation, 0, 0)
