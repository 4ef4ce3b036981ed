"""How one source file changes: text in, text out, line for line (AutoGraph reads functions by their line numbers)."""

import re

FACADE = "object_detection_tf1"

_SUBSTITUTIONS = (
    (re.compile(r"^([ \t]*)import tensorflow as tf[ \t]*$", re.MULTILINE), rf"\1import {FACADE} as tf"),
    (
        re.compile(r"^from tensorflow\.contrib\.quantize\.python import graph_matcher$", re.MULTILINE),
        f"from {FACADE} import graph_matcher",
    ),
    (
        re.compile(r"^from tensorflow\.contrib\.image\.python\.ops import image_ops$", re.MULTILINE),
        f"from {FACADE}.contrib import image_ops",
    ),
    # Python 2, in the pooling pyramids (PPN).
    (re.compile(r"\b(\w+)\.keys\(\)\[0\]"), r"next(iter(\1))"),
)
_LEFT_OVER = re.compile(
    r"^(?:import tensorflow as tf\b|from tensorflow\.contrib|import tensorflow\.contrib).*$", re.MULTILINE
)

DRAWING = "object_detection/utils/visualization_utils.py"
"""Draws training summaries with matplotlib and Pillow, and is imported by the models; an export draws nothing."""

_DRAWING_STAND_IN = f'''"""Stands for the drawing of training summaries, which needs matplotlib: raises where called."""
from {FACADE}.missing import Missing


def __getattr__(name):
  return Missing('object_detection.utils.visualization_utils.' + name)
'''


def adapt(path: str, text: str) -> str:
    """The text of the module at `path` (relative, `/`-separated) as TensorFlow 2 can import it.

    Raises ValueError when an import of TensorFlow 1.x is left over.
    """
    if path == DRAWING:
        return _DRAWING_STAND_IN
    for pattern, replacement in _SUBSTITUTIONS:
        text = pattern.sub(replacement, text)
    left = _LEFT_OVER.search(text)
    if left:
        line = text.count("\n", 0, left.start()) + 1
        raise ValueError(f"{path}:{line}: cannot adapt `{left.group()}`")
    return text
