"""A frozen graph in the oldest form that means the same, for the TensorFlow that people serve with: 1.7 and later.

`rewrite` changes what later releases brought and an earlier one can say as well, and returns the release that reads the
result. TensorFlow reads the graphs of every earlier release, so that one version tells all.
"""

from inference_image_export.readable.operators import RELEASES, Obstacle, Release, obstacle
from inference_image_export.readable.rewriting import restate, rewrite

__all__ = ["RELEASES", "Obstacle", "Release", "obstacle", "restate", "rewrite"]
