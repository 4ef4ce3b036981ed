"""A graph is a program: only ops that compute on the picture may run, and only so many of them.

`check` refuses everything else before TensorFlow imports the graph. docs/decisions/0020 says why.
"""

from inference_image_export.program.rules import MAX_BYTES, MAX_DEPTH, MAX_NODES, check, check_size

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_NODES", "check", "check_size"]
