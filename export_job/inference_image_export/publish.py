"""Publishes a graph under its fingerprint, in an order in which a half-done upload is never taken for a result.

<outputPrefix><fingerprint>/pipeline.config
<outputPrefix><fingerprint>/frozen_inference_graph.pb
<outputPrefix><fingerprint>/result.json                  last: what is named there is complete
<outputPrefix>frozen_inference_graph.pb                  a copy, where the tutorial's readers look for it
"""

import hashlib
from pathlib import Path

from inference_image_contract.inputs import Graph, encode
from inference_image_export.exporting import Output
from inference_image_store import RESULT, Store, export_folder

GRAPH = "frozen_inference_graph.pb"
PIPELINE_CONFIG = "pipeline.config"


def publish(store: Store, output: Output, output_prefix: str, fingerprint: str) -> Graph:
    """Uploads the graph and says last that it is complete."""
    folder = export_folder(output_prefix, fingerprint)
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
