"""Pictures: the bytes that a client sent, decoded to upright RGB."""

import io

from PIL import Image, ImageOps

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is decoded: what cameras, browsers and scanners make. Every further decoder of Pillow is more to attack."""

MAX_PIXELS = 50_000_000
"""Width x height; decoded, such a picture takes 150 MB."""

MAX_SCANNED = 1_000_000_000
"""Pixels x scans of a progressive JPEG. Cameras write about ten scans; a small file can hold thousands, each of which
costs a pass over the whole picture."""

_START_OF_SCAN = b"\xff\xda"
_UNDEFINED = ("I", "F")
"""Pillow's modes of 32 bits: no number in them is known to be white."""


class UnreadablePicture(Exception):  # noqa: N818 - says what came in
    """The bytes are no picture that can be decoded; the message says why."""


def open_picture(data: bytes) -> Image.Image:
    """The picture in `data`. Only its header is read yet: its size is known, and its pixels have cost nothing.

    Raises:
        UnreadablePicture: it is none of `FORMATS`, or larger than `MAX_PIXELS`.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"the picture is too large: {MAX_PIXELS} pixels at most") from error
    except Exception as error:  # headers of hostile files raise whatever a decoder trips over
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

    Of an animation or a file of several pages it is the first picture.

    Raises:
        UnreadablePicture: it is truncated or corrupt.
    """
    try:
        picture.load()
        upright = _upright(picture)
        if upright.mode.startswith("I;16"):
            # The upper byte, which is what Pillow takes of 16-bit colours too.
            upright = upright.convert("I").point(lambda value: value * (1 / 256)).convert("L")
        if upright.has_transparency_data:
            upright = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", upright.size, "white"), upright)
        return upright.convert("RGB")
    except Exception as error:  # pixels of hostile files raise whatever a decoder trips over
        raise UnreadablePicture(f"a {picture.format} picture that cannot be decoded: {error}") from error


def _upright(picture: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(picture)
    except Exception:  # noqa: BLE001 - broken EXIF data say nothing, and the pixels are there
        return picture
