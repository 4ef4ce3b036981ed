"""Draws the pictures of the example: circles, squares and triangles on a noisy ground, from a seed."""

import io
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

CLASSES = ("circle", "square", "triangle")
"""In the order of label_map.pbtxt, whose ids begin at 1."""

TRAINING_SEED = 7
DEMO_SEED = 20_000
"""Seed of the pictures that judge the model; fixed before the training and never drawn from by it."""

_COLOURS = ((205, 60, 50), (60, 160, 80), (65, 90, 200))
_MOST_SHAPES = 3
_TRIES = 20
_SIDES = (0.22, 0.45)


class Drawn(NamedTuple):
    """One shape of a picture."""

    name: str
    box: tuple[float, float, float, float]
    """(ymin, xmin, ymax, xmax), relative to the picture's side."""


def draw(rng: np.random.Generator, side: int) -> tuple[Image.Image, list[Drawn]]:
    """A square RGB picture of `side` pixels with one to three shapes that do not overlap."""
    picture = _ground(rng, side)
    canvas = ImageDraw.Draw(picture)
    drawn: list[Drawn] = []
    for box in _places(rng, int(rng.integers(1, _MOST_SHAPES + 1))):
        index = int(rng.integers(len(CLASSES)))
        colour = tuple(int(value) for value in np.clip(_COLOURS[index] + rng.integers(-30, 31, 3), 0, 255))
        _shape(canvas, CLASSES[index], [round(value * (side - 1)) for value in box], colour)
        drawn.append(Drawn(CLASSES[index], box))
    return picture, drawn


def pictures(seed: int, count: int, side: int = 256) -> list[tuple[bytes, list[Drawn]]]:
    """`count` pictures as PNG bytes, each with what is drawn on it. Equal arguments give equal pictures."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        picture, drawn = draw(rng, side)
        stream = io.BytesIO()
        picture.save(stream, "PNG")
        result.append((stream.getvalue(), drawn))
    return result


def _ground(rng: np.random.Generator, side: int) -> Image.Image:
    """A grey slope from corner to corner under coarse noise, as on a badly lit table."""
    light = rng.uniform(150, 215) + np.linspace(-1, 1, side)[:, None, None] * rng.uniform(-25, 25, (1, 1, 1))
    light = light + np.linspace(-1, 1, side)[None, :, None] * rng.uniform(-25, 25, (1, 1, 1))
    noise = rng.normal(0, 7, (side, side, 3))
    return Image.fromarray(np.clip(light + noise, 0, 255).astype(np.uint8), "RGB")


def _places(rng: np.random.Generator, count: int) -> list[tuple[float, float, float, float]]:
    """Up to `count` square boxes that do not touch; fewer when there is no room after some tries."""
    places: list[tuple[float, float, float, float]] = []
    for _ in range(count * _TRIES):
        size = rng.uniform(*_SIDES)
        top, left = rng.uniform(0.01, 0.99 - size, 2)
        box = (float(top), float(left), float(top + size), float(left + size))
        if not any(_touch(box, other) for other in places):
            places.append(box)
        if len(places) == count:
            break
    return places


def _touch(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _shape(canvas: ImageDraw.ImageDraw, name: str, box: list[int], colour: tuple[int, ...]) -> None:
    top, left, bottom, right = box
    if name == "circle":
        canvas.ellipse((left, top, right, bottom), fill=colour)
    elif name == "square":
        canvas.rectangle((left, top, right, bottom), fill=colour)
    else:
        canvas.polygon([((left + right) // 2, top), (left, bottom), (right, bottom)], fill=colour)
