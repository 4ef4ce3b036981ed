"""A published export in US3, and the record of it that the operator keeps."""

import msgspec

from inference_image_contract import content, inputs, results
from inference_image_store import Store, export_folder


def export(store: Store, resolved: results.Resolved, data: bytes = b"graph", **told: object) -> inputs.Graph:
    """Writes a graph and its result.json, as the export does for what was resolved; `told` are fields of the result."""
    folder = export_folder("uai/object-export-output/", resolved.fingerprint)
    info = store.write(data, folder + "frozen_inference_graph.pb")
    fields = {"key": info.key, "sha256": info.sha256, "size": info.size} | told
    graph = msgspec.convert(fields, inputs.Graph)
    store.write(inputs.encode(graph).encode(), folder + "result.json")
    return graph


def record(resolved: results.Resolved, graph: inputs.Graph, digest: str = "") -> dict[str, dict[str, str]]:
    """The fields of ResolveInput that the operator's record of this export fills, and of the image with this digest."""
    images = {content.content_hash(resolved.inputs_hash, graph): digest} if digest else {}
    return {"exports": {resolved.fingerprint: content.result_sha256(graph)}, "images": images}


def content_tag(resolved: results.Resolved, graph: inputs.Graph) -> str:
    """The content tag of the image with this graph."""
    return "content-" + content.content_hash(resolved.inputs_hash, graph).removeprefix("sha256:")
