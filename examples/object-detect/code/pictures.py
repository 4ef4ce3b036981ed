"""Pictures: the bytes that a client sent, decoded to RGB."""

import io

from PIL import Image

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "WEBP")
"""What is decoded. Every further decoder of Pillow is more to attack, and no camera or browser needs it."""

MAX_PIXELS = 50_000_000
"""Width x height; decoded, such a picture takes 150 MB."""


class UnreadablePicture(Exception):  # noqa: N818 - says what came in
    """The bytes are no picture that can be decoded; the message says why."""


def decode(data: bytes) -> Image.Image:
    """The picture in `data`, of mode RGB.

    Raises:
        UnreadablePicture: it is none of `FORMATS`, truncated, corrupt, or larger than `MAX_PIXELS`.
    """
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
    except Exception as error:  # headers of hostile files raise whatever a decoder trips over
        raise UnreadablePicture(f"not a picture in one of the formats {', '.join(FORMATS)}") from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(f"a picture of {width} x {height} is too large: {MAX_PIXELS} pixels at most")
    try:
        return picture.convert("RGB")
    except Exception as error:  # so do their pixels
        raise UnreadablePicture(f"a {picture.format} picture that cannot be decoded: {error}") from error
