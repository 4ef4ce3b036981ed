"""Rewrites a frozen graph to an equivalent one for the oldest TensorFlow possible: 1.7 and later.

`rewrite` replaces newer ops that an earlier release can express, and returns the oldest release that reads the result.
TensorFlow reads the graphs of every earlier release, so one version is enough.
"""

from inference_image_export.readable.operators import RELEASES, Obstacle, Release, obstacle
from inference_image_export.readable.rewriting import restate, rewrite

__all__ = ["RELEASES", "Obstacle", "Release", "obstacle", "restate", "rewrite"]
