"""Publishes a graph under its fingerprint, in an order in which a half-done upload is never taken for a result.

<outputPrefix><fingerprint>/pipeline.config
<outputPrefix><fingerprint>/frozen_inference_graph.pb
<outputPrefix><fingerprint>/result.json                  last: what is named there is complete
<outputPrefix>frozen_inference_graph.pb                  a copy, where the tutorial's readers look for it
"""

import hashlib
from pathlib import Path

import msgspec

from inference_image_contract.inputs import Graph, encode
from inference_image_export.exporting import Output
from inference_image_store import Store

GRAPH = "frozen_inference_graph.pb"
PIPELINE_CONFIG = "pipeline.config"
RESULT = "result.json"
_MAX_RESULT = 64 * 1024


def folder_of(output_prefix: str, fingerprint: str) -> str:
    """The prefix of everything that belongs to this fingerprint (`sha256:<hex>`)."""
    return f"{output_prefix}{fingerprint.removeprefix('sha256:')}/"


def existing(store: Store, output_prefix: str, fingerprint: str) -> Graph | None:
    """The graph that an earlier run completed, None unless it is there with the size and SHA-256 of its result."""
    key = folder_of(output_prefix, fingerprint) + RESULT
    if store.find(key) is None:
        return None
    try:
        graph = msgspec.json.decode(store.read(key, max_bytes=_MAX_RESULT), type=Graph)
    except msgspec.DecodeError:
        return None
    there = store.find(graph.key)
    if there is None or (there.size, there.sha256) != (graph.size, graph.sha256):
        return None
    return graph


def publish(store: Store, output: Output, output_prefix: str, fingerprint: str) -> Graph:
    """Uploads the graph and says last that it is complete."""
    folder = folder_of(output_prefix, fingerprint)
    sha256 = _sha256(output.graph)
    store.upload(output.pipeline_config, folder + PIPELINE_CONFIG)
    info = store.upload(output.graph, folder + GRAPH, sha256=sha256)
    graph = Graph(key=info.key, sha256=sha256, size=info.size, tensorflow=output.tensorflow)
    store.write(encode(graph).encode(), folder + RESULT)
    return graph


def copy_to_plain_key(store: Store, output_prefix: str, graph: Graph) -> None:
    """Makes the tutorial's key hold this graph, unless it does already."""
    key = output_prefix + GRAPH
    there = store.find(key)
    if there is None or there.sha256 != graph.sha256:
        store.copy(graph.key, key)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
