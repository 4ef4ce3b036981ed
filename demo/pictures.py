"""The generated pictures of a scenario. Needs the TensorFlow environment."""

import io
import sys
from typing import Any

from PIL import Image

from demo.story import OBJECT_DETECT, TUTORIAL, Story

sys.path.insert(0, str(OBJECT_DETECT.example / "training"))
import shapes

SAMPLE_SEED = 31

Drawn = Any
"""A shape of `shapes.pictures`."""


def sample(story: Story) -> bytes:
    """The sample of the Test stage, a PNG."""
    data: bytes = shapes.pictures(SAMPLE_SEED, 1, story.side)[0][0]
    return data


def unseen(story: Story, count: int) -> list[tuple[bytes, list[Drawn]]]:
    """Picture files outside the training set, each with the shapes on it."""
    drawn = shapes.pictures(shapes.DEMO_SEED, count, story.side)
    return [(_jpeg(png), on_it) for png, on_it in drawn] if story is TUTORIAL else drawn


def _jpeg(png: bytes) -> bytes:
    """A JPEG as in the tutorial, without chroma subsampling: decoders upsample chroma differently."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(png)).save(stream, "JPEG", quality=90, subsampling="4:4:4")
    return stream.getvalue()
