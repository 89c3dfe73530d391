"""JPEG files of libjpeg-turbo's `cjpeg` and of Pillow."""

import io
import itertools
import subprocess
import tempfile

import imagecodecs
from PIL import Image

import pictures

# odd; even, where the last blocks of halved colours are half full; taller than wide
SIZES = [(37, 23), (40, 28), (17, 33)]
SAMPLINGS = {"444": "1x1", "422": "2x1", "420": "2x2", "440": "1x2", "411": "4x1", "410": "4x2", "441": "1x4"}
# Chroma finer than luma, and factors of three: no usual program writes them
RARE_SAMPLINGS = ["1x1,2x2,2x2", "1x1,2x1,1x1", "3x1,1x1,1x1", "3x2,1x1,1x1", "1x1,1x2,1x2", "2x1,1x2,1x2", "1x3,1x1,1x1"]
RESTARTS = {"none": [], "row": ["-restart", "1"], "3blocks": ["-restart", "3B"], "20blocks": ["-restart", "20B"]}
SEQUENTIAL = {
    "one_scan_per_component": "0;1;2;",
    "y_then_cbcr": "0;1 2;",
    "ycb_then_cr": "0 1;2;",
    "cb_cr_y": "1;2;0;",
    "cbcr_then_y": "1 2;0;",
}
PROGRESSIVE = {
    "usual": None,
    "dc_per_component": "0:0-0,0,0;1:0-0,0,0;2:0-0,0,0;0:1-63,0,0;1:1-63,0,0;2:1-63,0,0;",
    "without_refinement": "0 1 2:0-0,0,0;0:1-5,0,0;2:1-63,0,0;1:1-63,0,0;0:6-63,0,0;",
    "cb_cr_y": "1:0-0,0,0;2:0-0,0,0;0:0-0,0,0;2:1-63,0,0;1:1-63,0,0;0:1-63,0,0;",
    # the file of a program that stopped early
    "dc_only": "0 1 2:0-0,0,0;",
    "dc_refined": "0 1 2:0-0,0,1;0 1 2:0-0,1,0;0:1-63,0,1;0:1-63,1,0;1:1-63,0,0;2:1-63,0,0;",
}


def cjpeg(picture, *options, scans=None):
    height, width = picture.shape[:2]
    header = f"P6 {width} {height} 255\n".encode()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as script:
        if scans:
            script.write(scans)
            script.flush()
            options = (*options, "-scans", script.name)
        command = ["cjpeg", "-quality", "85", *options]
        return subprocess.run(command, input=header + picture.tobytes(), capture_output=True, check=True).stdout


def add_all(cases):
    add_scans(cases)
    add_samplings(cases)
    add_contrast(cases)
    add_grey(cases)
    add_tables(cases)
    add_colours(cases)
    add_orientations(cases)
    add_small(cases)


def add_scans(cases):
    for size, (sampling, factors), (restart, options) in itertools.product(SIZES, SAMPLINGS.items(), RESTARTS.items()):
        picture = pictures.rgb(*size)
        where = f"{sampling}_{size[0]}x{size[1]}_restart_{restart}.jpg"
        options = ["-sample", factors, *options]
        cases.lossy(f"interleaved_{where}", "sequential, one scan", cjpeg(picture, *options))
        if restart in ("row", "3blocks"):
            continue
        for name, scans in SEQUENTIAL.items():
            cases.lossy(f"{name}_{where}", "sequential, several scans", cjpeg(picture, *options, scans=scans))
        for name, scans in PROGRESSIVE.items():
            kind = "progressive, incomplete" if name == "dc_only" else "progressive"
            cases.lossy(f"progressive_{name}_{where}", kind, cjpeg(picture, *options, "-progressive", scans=scans))


def every_sampling():
    """All factors of 1, 2 and 4 where luma is the finest and at most ten blocks form a unit."""
    factors = list(itertools.product((1, 2, 4), repeat=2))
    for luma in factors:
        coarser = [chroma for chroma in factors if chroma[0] <= luma[0] and chroma[1] <= luma[1]]
        for blue, red in itertools.product(coarser, repeat=2):
            if sum(wide * high for wide, high in (luma, blue, red)) <= 10:
                yield ",".join(f"{wide}x{high}" for wide, high in (luma, blue, red))


def add_samplings(cases):
    for kind, samplings in {"every sampling": every_sampling(), "rare sampling": RARE_SAMPLINGS}.items():
        for sampling, size in itertools.product(samplings, SIZES[:2]):
            for coding in ([], ["-progressive"]):
                label = "_".join([sampling.replace(",", "_"), f"{size[0]}x{size[1]}", *(option.strip("-") for option in coding)])
                cases.lossy(f"sampling_{label}.jpg", kind, cjpeg(pictures.rgb(*size), "-sample", sampling, *coding))


def add_contrast(cases):
    """Colours that change from pixel to pixel: the worst case for rounding and upsampling."""
    for size, (sampling, factors) in itertools.product(SIZES, SAMPLINGS.items()):
        for coding in ([], ["-progressive"]):
            label = "_".join([sampling, f"{size[0]}x{size[1]}", *(option.strip("-") for option in coding)])
            cases.lossy(f"contrast_{label}.jpg", "contrast", cjpeg(pictures.contrast(*size), "-sample", factors, *coding))


def add_grey(cases):
    for size, factors in itertools.product(SIZES, ["1x1", "2x2", "2x1", "1x2", "4x1", "4x2"]):
        for coding in ([], ["-progressive"], ["-restart", "1"]):
            label = "_".join([factors, f"{size[0]}x{size[1]}", *(option.strip("-") for option in coding)])
            cases.lossy(f"grey_{label}.jpg", "grey", cjpeg(pictures.rgb(*size), "-grayscale", "-sample", factors, *coding))


def add_tables(cases):
    """Optimised Huffman tables, coarse and fine quantisation, 16-bit tables, arithmetic coding."""
    for size, sampling in itertools.product(SIZES, ["1x1", "2x2"]):
        picture = pictures.rgb(*size)
        where = f"{sampling}_{size[0]}x{size[1]}.jpg"
        for name, options in {
            "optimised": ["-optimize"],
            "quality_30": ["-quality", "30"],
            "quality_100": ["-quality", "100"],
            "extended_16_bit_tables": ["-quality", "1"],
            "integer_fast": ["-dct", "fast"],
        }.items():
            cases.lossy(f"{name}_{where}", "tables", cjpeg(picture, "-sample", sampling, *options))
        cases.lossy(f"arithmetic_{where}", "arithmetic coding", cjpeg(picture, "-sample", sampling, "-arithmetic"))


def without_segment(data, code):
    """The file without its first segment of that code."""
    at = data.index(bytes([0xFF, code]))
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + data[at + 2 + length :]


def add_colours(cases):
    """The sources of the colour space: JFIF, Adobe's segment, the components' ids, none."""
    for size in SIZES:
        where = f"{size[0]}x{size[1]}"
        picture = pictures.rgb(*size)
        stored_rgb = cjpeg(picture, "-rgb")
        cases.lossy(f"rgb_adobe_{where}.jpg", "colours", stored_rgb)
        cases.lossy(f"rgb_by_ids_{where}.jpg", "colours", without_segment(stored_rgb, 0xEE))
        cases.lossy(f"rgb_scans_{where}.jpg", "sequential, several scans", cjpeg(picture, "-rgb", scans="0;1;2;"))
        usual = cjpeg(picture)
        cases.lossy(f"without_jfif_{where}.jpg", "colours", without_segment(usual, 0xE0))
        inks = pictures.inks(*size)
        for name, stored in {"cmyk": "CMYK", "ycck": "YCCK"}.items():
            for sampling in ("444", "422", "440", "411", "420"):
                data = imagecodecs.jpeg8_encode(inks, 85, colorspace="CMYK", outcolorspace=stored, subsampling=sampling)
                cases.lossy(f"{name}_{sampling}_{where}.jpg", "inks", bytes(data))
        data = bytes(imagecodecs.jpeg8_encode(inks, 85, colorspace="CMYK", outcolorspace="CMYK"))
        cases.lossy(f"cmyk_without_adobe_{where}.jpg", "inks", without_segment(data, 0xEE))
        for progressive in (False, True):
            for sampling in (0, 2):
                data = io.BytesIO()
                image = Image.fromarray(inks, "CMYK")
                image.save(data, "JPEG", quality=85, subsampling=sampling, progressive=progressive)
                name = f"cmyk_pillow_{sampling}_{'progressive_' if progressive else ''}{where}.jpg"
                cases.lossy(name, "inks", data.getvalue())


def add_orientations(cases):
    for order, orientation in itertools.product("<>", range(1, 9)):
        exif = pictures.exif(orientation, order)
        segment = b"Exif\0\0" + exif
        xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"
        name = {"<": "little", ">": "big"}[order]
        usual = cjpeg(pictures.rgb(37, 23))
        cases.lossy(f"orientation_{orientation}_{name}.jpg", "orientation", with_segments(usual, segment))
        cases.lossy(f"orientation_{orientation}_{name}_after_xmp.jpg", "orientation", with_segments(usual, xmp, segment))


def with_segments(data, *contents):
    """The file with APP1 segments after its start."""
    segments = b"".join(b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content for content in contents)
    return data[:2] + segments + data[2:]


def add_small(cases):
    for size in [(1, 1), (1, 40), (4, 7), (40, 1), (7, 9), (8, 8), (16, 16), (5, 31)]:
        kind = "up to four columns" if size[0] <= 4 else "small"
        for sampling in ("1x1", "2x1", "2x2", "1x2"):
            for coding in ([], ["-progressive"]):
                label = "_".join(["small", sampling, f"{size[0]}x{size[1]}", *(option.strip("-") for option in coding)])
                cases.lossy(f"{label}.jpg", kind, cjpeg(pictures.rgb(*size), "-sample", sampling, *coding))
