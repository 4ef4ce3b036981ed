"""Decodes a client's bytes to upright RGB pictures."""

import io
from contextlib import suppress

from PIL import Image, ImageOps

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""The accepted formats: those of cameras, browsers and scanners. Every other decoder of Pillow adds attack surface."""

MAX_PIXELS = 20_000_000
"""Width x height. While it is decoded, a pixel takes up to 12 bytes (transparent, or 16 bits), and as many again as the
detector's floats: half of the 1.5 GiB of `serving.yaml`, the rest is the model's. A small file can have any size."""

MAX_SCANNED = 1_000_000_000
"""Pixels x scans of a progressive JPEG. Cameras write about ten scans; a small file can contain thousands, and each
costs a pass over the whole picture."""

_START_OF_SCAN = b"\xff\xda"
_UNDEFINED = ("I", "F")
"""Pillow's 32-bit modes, whose value for white is undefined."""


class UnreadablePicture(Exception):  # noqa: N818 - names the input
    """The bytes cannot be decoded as a picture; the message says why."""


def open_picture(data: bytes) -> Image.Image:
    """Opens the picture in `data`. Reads only its header: the size is known, the pixels are not decoded.

    Raises:
        UnreadablePicture: the format is not one of `FORMATS`, or the picture exceeds `MAX_PIXELS`.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"the picture is too large: {MAX_PIXELS} pixels at most") from error
    except Exception as error:  # headers of hostile files can raise any exception
        raise UnreadablePicture(f"not a picture in one of the formats {', '.join(FORMATS)}") from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(f"a picture of {width} x {height} is too large: {MAX_PIXELS} pixels at most")
    if picture.mode in _UNDEFINED:
        raise UnreadablePicture(f"a {picture.format} picture with 32 bits per sample: send 8 or 16 bits")
    scans = data.count(_START_OF_SCAN) if picture.format in ("JPEG", "MPO") else 0
    if scans * width * height > MAX_SCANNED:
        raise UnreadablePicture(f"a JPEG picture of {width} x {height} in {scans} scans takes too long to decode")
    return picture


def to_rgb(picture: Image.Image) -> Image.Image:
    """The opened picture as a viewer shows it: upright by its EXIF orientation, transparent parts on white, mode RGB.

    Returns the first picture of an animation or of a file with several pages.

    Raises:
        UnreadablePicture: the picture is truncated or corrupt.
    """
    try:
        picture.load()
        upright = _upright(picture)
        if upright.mode.startswith("I;16"):
            # The upper byte, as Pillow does for 16-bit colours.
            upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            white = Image.new("RGB", upright.size, "white")
            white.paste(upright, mask=upright)  # in place: a composite of RGBA would take twice the memory
            return white
        return upright if upright.mode == "RGB" else upright.convert("RGB")  # which would copy the pixels
    except Exception as error:  # pixels of hostile files can raise any exception
        raise UnreadablePicture(f"a {picture.format} picture that cannot be decoded: {error}") from error


def _upright(picture: Image.Image) -> Image.Image:
    with suppress(Exception):  # without valid EXIF data the pixels are used as they are
        ImageOps.exif_transpose(picture, in_place=True)
    return picture
