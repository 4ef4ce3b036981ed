"""The generated pictures of a scenario. Needs the TensorFlow environment."""

import io
import sys
from typing import Any

from PIL import Image

from demo.scenario import OBJECT_DETECT, TUTORIAL, Scenario

sys.path.insert(0, str(OBJECT_DETECT.example / "training"))
import shapes

SAMPLE_SEED = 31

Drawn = Any
"""A shape of `shapes.pictures`."""


def sample(scenario: Scenario) -> bytes:
    """The sample of the Test stage, a PNG."""
    data: bytes = shapes.pictures(SAMPLE_SEED, 1, scenario.side)[0][0]
    return data


def unseen(scenario: Scenario, count: int) -> list[tuple[bytes, list[Drawn]]]:
    """Picture files outside the training set, each with the shapes on it."""
    drawn = shapes.pictures(shapes.DEMO_SEED, count, scenario.side)
    return [(_jpeg(png), on_it) for png, on_it in drawn] if scenario is TUTORIAL else drawn


def _jpeg(png: bytes) -> bytes:
    """A JPEG as in the tutorial, without chroma subsampling: decoders upsample chroma differently."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(png)).save(stream, "JPEG", quality=90, subsampling="4:4:4")
    return stream.getvalue()
