"""Draws frames as a GIF, which every page shows."""

import io
from collections.abc import Sequence
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from docs_tools.recording.frames import Cell, Frame, Screen

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono{}.ttf"
SIZE = 14
"""Of the font, in pixels."""
LINE = 18
MARGIN = 10
BACKGROUND = "#1d2229"
COLOURS = {
    "default": "#d8dee6",
    "black": "#6b7684",
    "red": "#f2777a",
    "green": "#8fc98b",
    "brown": "#e6c07b",
    "blue": "#7fb0e6",
    "magenta": "#cf9be0",
    "cyan": "#78c7c7",
    "white": "#f2f4f7",
}
"""Of pyte's names; its names with `bright` in front look the same."""


class Fonts(NamedTuple):
    """Both of one width."""

    plain: ImageFont.FreeTypeFont
    bold: ImageFont.FreeTypeFont


def fonts() -> Fonts:
    """Those of Debian's package fonts-dejavu-core. Raises OSError without it."""
    return Fonts(*(ImageFont.truetype(FONT.format(style), SIZE) for style in ("", "-Bold")))


def gif(frames: Sequence[Frame], fonts: Fonts) -> bytes:
    """The moving picture. Raises ValueError without frames."""
    if not frames:
        raise ValueError("nothing was recorded")
    pictures = [_drawn(frame.screen, fonts) for frame in frames]
    palette = pictures[-1].quantize(64)
    first, *others = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    file = io.BytesIO()
    milliseconds = [round(1000 * frame.seconds) for frame in frames]
    first.save(file, "GIF", save_all=True, append_images=others, duration=milliseconds, loop=0, optimize=True)
    return file.getvalue()


def _drawn(screen: Screen, fonts: Fonts) -> Image.Image:
    width = round(fonts.plain.getlength("m"))
    size = (2 * MARGIN + width * len(screen[0]), 2 * MARGIN + LINE * len(screen))
    picture = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(picture)
    for row, cells in enumerate(screen):
        for column, cell in enumerate(cells):
            if cell.text.strip():
                place = (MARGIN + column * width, MARGIN + row * LINE)
                draw.text(place, cell.text, fill=_colour(cell), font=fonts.bold if cell.bold else fonts.plain)
    return picture


def _colour(cell: Cell) -> str:
    name = cell.colour.removeprefix("bright")
    return COLOURS.get(name) or f"#{name}"
