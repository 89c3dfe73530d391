"""TIFF files of tifffile and of Pillow's libtiff; the unusual ones are in `tiff_unusual.py`."""

import io
import itertools

import numpy
import tifffile
from PIL import Image

import pictures
import tiff_unusual

# neither a multiple of a tile nor of a strip
SIZE = (21, 19)
CODINGS = {
    "none": (None, False),
    "lzw": ("lzw", False),
    "lzw_predictor": ("lzw", True),
    "deflate": ("adobe_deflate", False),
    "deflate_predictor": ("adobe_deflate", True),
    "old_deflate": ("deflate", False),
    "packbits": ("packbits", False),
    "zstd": ("zstd", False),
    "zstd_predictor": ("zstd", True),
}
STORAGE = {"one_strip": {"rowsperstrip": SIZE[1]}, "strips": {"rowsperstrip": 4}, "tiles": {"tile": (16, 16)}}
PLANES = {"chunky": "contig", "planar": "separate"}


def samples(depth):
    """By name: samples, their pixels, and tifffile's arguments."""
    rgb = pictures.rgb(*SIZE, depth)
    grey = pictures.grey(*SIZE, depth)
    alpha = pictures.alpha(*SIZE, depth)
    inks = pictures.inks(*SIZE, depth)
    rgba = numpy.concatenate([rgb, alpha[..., None]], axis=-1)
    five = numpy.concatenate([rgba, grey[..., None]], axis=-1)
    grey_alpha = numpy.stack([grey, alpha], axis=-1)
    ink_alpha = numpy.concatenate([inks, alpha[..., None]], axis=-1)
    colours = pictures.high_byte(rgb)
    negative = numpy.iinfo(grey.dtype).max - grey
    one = {"unspecified": ["unspecified"], "alpha": ["unassalpha"], "premultiplied": ["assocalpha"]}
    return {
        "grey": (grey, pictures.repeated(grey), {"photometric": "minisblack"}),
        "grey_white_is_zero": (negative, pictures.repeated(grey), {"photometric": "miniswhite"}),
        "grey_alpha": (grey_alpha, pictures.repeated(grey), {"photometric": "minisblack", "extrasamples": one["alpha"]}),
        "grey_unspecified": (grey_alpha, pictures.repeated(grey), {"photometric": "minisblack", "extrasamples": one["unspecified"]}),
        "rgb": (rgb, colours, {"photometric": "rgb"}),
        "rgba": (rgba, colours, {"photometric": "rgb", "extrasamples": one["alpha"]}),
        "rgba_premultiplied": (rgba, pictures.unpremultiplied(rgba), {"photometric": "rgb", "extrasamples": one["premultiplied"]}),
        "rgb_unspecified": (rgba, colours, {"photometric": "rgb", "extrasamples": one["unspecified"]}),
        "rgb_two_extra": (five, colours, {"photometric": "rgb", "extrasamples": ["unassalpha", "unspecified"]}),
        "cmyk": (inks, pictures.from_inks(inks), {"photometric": "separated"}),
        "cmyk_alpha": (ink_alpha, pictures.from_inks(inks), {"photometric": "separated", "extrasamples": one["alpha"]}),
    }


def add_all(cases):
    for depth in (8, 16):
        add_layouts(cases, depth)
    add_palettes(cases)
    add_jpeg(cases)
    add_orders(cases)
    add_libtiff(cases)
    tiff_unusual.add_all(cases)


def tiff(data, planes=None, **options):
    file = io.BytesIO()
    if planes == "separate":
        data = numpy.moveaxis(data, -1, 0)
    tifffile.imwrite(file, data, planarconfig=planes, metadata=None, software=False, **options)
    return file.getvalue()


def add_layouts(cases, depth):
    for name, (data, expected, words) in samples(depth).items():
        planes = PLANES if data.ndim == 3 else {"chunky": None}
        for (coding, (compression, predictor)), (where, options), (plane, config) in itertools.product(
            CODINGS.items(), STORAGE.items(), planes.items()
        ):
            if depth == 16 and coding in ("old_deflate", "zstd", "packbits") and where == "one_strip":
                continue
            file = tiff(data, config, compression=compression, predictor=predictor, **options, **words)
            kind = "planar" if plane == "planar" else name.replace("_", " ")
            cases.lossless(f"{name}{depth}_{coding}_{where}_{plane}.tif", kind, file, expected)


def add_palettes(cases):
    for (coding, (compression, predictor)), (where, options) in itertools.product(CODINGS.items(), STORAGE.items()):
        index = pictures.indices(*SIZE, 256)
        colours = pictures.colour_map(256)
        file = tiff(index, photometric="palette", colormap=colours, compression=compression, predictor=predictor, **options)
        cases.lossless(f"palette8_{coding}_{where}.tif", "palette", file, looked_up(index, colours))


def looked_up(index, colours):
    return numpy.moveaxis(pictures.high_byte(colours)[:, index], 0, -1)


def add_jpeg(cases):
    """The layouts that slide software writes."""
    rgb, grey = pictures.rgb(40, 24), pictures.grey(40, 24)
    for where, options in {"strips": {"rowsperstrip": 16}, "tiles": {"tile": (16, 16)}}.items():
        for subsampling in ((1, 1), (2, 1), (2, 2)):
            file = tiff(rgb, "contig", photometric="ycbcr", subsampling=subsampling, compression="jpeg", **options)
            cases.lossy(f"jpeg_ycbcr_{subsampling[0]}{subsampling[1]}_{where}.tif", "JPEG in TIFF", file)
        file = tiff(rgb, "contig", photometric="rgb", compression="jpeg", compressionargs={"outcolorspace": "rgb"}, **options)
        cases.lossy(f"jpeg_rgb_{where}.tif", "JPEG in TIFF", file)
        file = tiff(rgb, "separate", photometric="rgb", compression="jpeg", **options)
        cases.lossy(f"jpeg_planar_{where}.tif", "JPEG in TIFF", file)
        cases.lossy(f"jpeg_grey_{where}.tif", "JPEG in TIFF", tiff(grey, photometric="minisblack", compression="jpeg", **options))


def add_orders(cases):
    """Byte order, BigTIFF, and the orientation tag."""
    for depth, order, big in itertools.product((8, 16), "<>", (False, True)):
        for name in ("grey", "rgb", "rgba", "cmyk", "rgb_unspecified", "grey_alpha"):
            data, expected, words = samples(depth)[name]
            for coding in ("none", "lzw_predictor", "deflate_predictor"):
                compression, predictor = CODINGS[coding]
                options = {"compression": compression, "predictor": predictor, "byteorder": order, "bigtiff": big}
                file = tiff(data, "contig" if data.ndim == 3 else None, **options, **words)
                label = f"order_{name}{depth}_{coding}_{'little' if order == '<' else 'big'}{'_bigtiff' if big else ''}.tif"
                cases.lossless(label, "byte order and BigTIFF", file, expected)
    for order, orientation in itertools.product("<>", range(1, 9)):
        tag = [(274, "H", 1, orientation, True)]
        for name in ("grey", "rgb", "rgba", "cmyk"):
            data, expected, words = samples(8)[name]
            file = tiff(data, "contig" if data.ndim == 3 else None, byteorder=order, extratags=tag, compression="lzw", **words)
            label = f"orientation_{orientation}_{name}_{'little' if order == '<' else 'big'}.tif"
            cases.lossless(label, "orientation", file, pictures.upright(expected, orientation))


def add_libtiff(cases):
    """Files of libtiff, through Pillow."""
    for depth, name in itertools.product((8, 16), ("grey", "grey_alpha", "rgb", "rgba", "cmyk")):
        if depth == 16 and name != "grey":
            continue
        data, expected, _ = samples(depth)[name]
        mode = {"grey": "L", "grey_alpha": "LA", "rgb": "RGB", "rgba": "RGBA", "cmyk": "CMYK"}[name]
        image = Image.fromarray(data) if depth == 16 else Image.fromarray(data, mode)
        for compression, predictor in itertools.product(("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "zstd"), (1, 2)):
            if predictor == 2 and compression in ("raw", "packbits"):
                continue
            file = io.BytesIO()
            tags = {317: 2} if predictor == 2 else {}
            image.save(file, "TIFF", compression=None if compression == "raw" else compression, tiffinfo=tags)
            label = f"libtiff_{name}{depth}_{compression}_predictor{predictor}.tif"
            cases.lossless(label, name.replace("_", " "), file.getvalue(), expected)
    two = pictures.grey(*SIZE) > 120
    for compression in ("raw", "group3", "group4", "tiff_lzw", "packbits"):
        file = io.BytesIO()
        Image.fromarray(two).save(file, "TIFF", compression=None if compression == "raw" else compression)
        cases.lossless(f"libtiff_bilevel_{compression}.tif", "bilevel", file.getvalue(), pictures.repeated(two.astype(numpy.uint8) * 255))
