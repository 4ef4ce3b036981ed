"""The content hash: what an image is made of, down to the bytes of its model; and the SHA-256 of an export's result."""

import hashlib
import re
from pathlib import Path

from inference_image_contract.inputs import Graph, encode

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""The form of a digest, and of a content hash."""
_ALGORITHM = "sha256:"


def content_hash(inputs_hash: str, graph: Graph) -> str:
    """`sha256:<hex>` of all that enters the image: the pinned inputs, and the SHA-256 of each file of the model.

    `inputs_hash` covers the inputs (`InputLock.inputs_hash`). Compared across releases: see `hashes`.
    """
    parts = (inputs_hash, graph.sha256, graph.onnx.sha256 if graph.onnx else "")
    return _ALGORITHM + hashlib.sha256("\n".join(parts).encode("ascii")).hexdigest()


def file_sha256(path: Path) -> str:
    """Hex SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def result_sha256(graph: Graph) -> str:
    """Hex SHA-256 of result.json, as the export writes it for this graph."""
    return hashlib.sha256(encode(graph).encode()).hexdigest()
