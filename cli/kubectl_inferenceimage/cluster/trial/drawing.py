"""Draws boxes into a picture, and says in it whose they are; with Pillow, which is installed apart."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.cluster.trial.detections import Detection
from kubectl_inferenceimage.errors import CommandError

MISSING = "No boxes are drawn: that needs Pillow. Install it beside the plugin: pip install pillow"
_COLORS = ("#e6194b", "#0a7d33", "#4363d8", "#d9680f", "#911eb4", "#00788a", "#c71585", "#6b6b00")
_PARTS = 500
"""The width of a line is this part of the picture's longer side."""
_KEY = "InferenceImage"
"""The keyword of the PNG's text."""


class Origin(NamedTuple):
    """The image that found the boxes of a picture."""

    namespace: str
    name: str
    digest: str


def is_possible() -> bool:
    """Whether Pillow is installed."""
    try:
        import PIL.Image  # noqa: F401 - takes its time, and may be missing
    except ImportError:
        return False
    return True


def draw(picture: bytes, detections: Sequence[Detection], path: Path, origin: Origin) -> None:
    """Writes the picture, upright as the model sees it, with the boxes, as a PNG. Raises CommandError."""
    from PIL import Image, ImageDraw, ImageFont, ImageOps, PngImagePlugin, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(picture)) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CommandError(f"No boxes are drawn into {path}: Pillow cannot read the picture.") from error
    canvas = Image.new("RGB", upright.size, "white")
    canvas.paste(upright, mask=upright)
    pen, unit = ImageDraw.Draw(canvas), max(1, max(canvas.size) // _PARTS)
    font = ImageFont.load_default(12 * unit)
    names = list(dict.fromkeys(found.label for found in detections))
    for found in reversed(detections):  # the surest on top
        color = _COLORS[names.index(found.label) % len(_COLORS)]
        top, left, bottom, right = found.box
        x, y = left * canvas.width, top * canvas.height
        pen.rectangle(_sorted(x, y, right * canvas.width, bottom * canvas.height), outline=color, width=2 * unit)
        label = f"{printable(found.label)} {found.score:.2f}"
        pen.rectangle(pen.textbbox((x, y), label, font=font), fill=color)
        pen.text((x, y), label, fill="white", font=font)
    text = PngImagePlugin.PngInfo()
    text.add_text(_KEY, msgspec.json.encode(origin).decode())
    canvas.save(path, "PNG", pnginfo=text)


def origin_of(path: Path) -> Origin | None:
    """The origin of a picture that `draw` has written; None for any other file."""
    from PIL import Image

    try:
        with Image.open(path, formats=["PNG"]) as opened:
            return msgspec.json.decode(opened.info.get(_KEY, ""), type=Origin)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, msgspec.MsgspecError):
        return None


def _sorted(x: float, y: float, other_x: float, other_y: float) -> tuple[float, float, float, float]:
    """The corners in the order that Pillow needs, whatever a model answers."""
    return min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y)
