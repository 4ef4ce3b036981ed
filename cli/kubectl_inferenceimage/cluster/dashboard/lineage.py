"""What an image is made of: from checkpoint and code over the graph to the digest. Pure."""

from typing import Any

from inference_image_operator.api import Spec, Status, described
from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.objects import conditions
from kubectl_inferenceimage.cluster.why.changes import has_pinned, is_published

CHECKPOINT, CODE, GRAPH, IMAGE = "checkpoint", "code", "graph", "image"
EDGES = ((CHECKPOINT, GRAPH), (GRAPH, IMAGE), (CODE, IMAGE))
_MOST_FILES = 3
_HELD = "unknown: spec.image.pin"


def lineage(spec: Spec, status: Status, document: Object) -> dict[str, Any]:
    """The nodes, each with lines of text, and the edges between them. `document` is the status as it was read.

    Only what the run of the status has pinned and made is drawn: results of the run before do not belong to its inputs.
    """
    if spec.image.pin:
        return {"nodes": _held(status, published=is_published(document)), "edges": EDGES}
    told = conditions({"status": document})
    pinned = has_pinned(document)
    has_graph = pinned and told.get(Stage.EXPORT.condition, {}).get("status") == "True"
    has_image = has_graph and told.get(Stage.BUILD.condition, {}).get("status") == "True"
    nodes = [
        _checkpoint(spec, status if pinned else None),
        _code(spec, status if pinned else None),
        _graph(status if has_graph else None),
        _image(status if has_image else None, published=is_published(document)),
    ]
    return {"nodes": nodes, "edges": EDGES}


def _node(kind: str, title: str, lines: list[str], *, done: bool = True) -> dict[str, Any]:
    return {"id": kind, "title": title, "lines": [line for line in lines if line], "done": done}


def _held(status: Status, *, published: bool) -> list[dict[str, Any]]:
    """The nodes while `spec.image.pin` holds an image of the history, which says little of what it was made of."""
    found = status.image if published else None
    step = [found.model_prefix, described(found.step, "")] if found and found.step is not None else []
    return [
        _node(CHECKPOINT, "Checkpoint", step or [_HELD], done=bool(step)),
        _node(CODE, "Code", [_HELD], done=False),
        _node(GRAPH, "Frozen graph", [_HELD], done=False),
        _image(status if found else None, published=published),
    ]


def _checkpoint(spec: Spec, status: Status | None) -> dict[str, Any]:
    found = status.checkpoint if status else None
    imported = spec.export.frozen_graph
    title = "Imported graph" if imported else "Checkpoint"
    place = imported.key if imported else spec.model.prefix
    if found is None:
        return _node(CHECKPOINT, title, [place, "not pinned yet"], done=False)
    parts = [(*_split(file.key), file.etag) for file in found.files]
    names = list(dict.fromkeys(name for name, _, _ in parts if name))
    step = "" if imported else described(found.step, found.name)
    etags = [f"{part}, ETag {etag}" for _, part, etag in parts[:_MOST_FILES]]
    more = len(parts) - _MOST_FILES
    return _node(CHECKPOINT, title, [place, *names[:1], step, *etags, f"{more} more files" if more > 0 else ""])


def _split(key: str) -> tuple[str, str]:
    """The checkpoint's name and the part that a file is of it: `model.ckpt-800`, `index`."""
    name, _, part = key.rpartition("/")[2].rpartition(".")
    return name, part


def _code(spec: Spec, status: Status | None) -> dict[str, Any]:
    source = spec.source
    places = [
        f"{source.git.url} {source.git.ref}" if source.git else "",
        source.ufile.prefix or source.ufile.archive if source.ufile else "",
        f"ConfigMap {source.config_map.name}" if source.config_map else "",
        source.dockerfile,
    ]
    if status is None:
        return _node(CODE, "Code", [*places, "not pinned yet"], done=False)
    commit = f"commit {status.source.commit}" if status.source else ""
    inputs = f"inputs hash {status.run.inputs_hash}" if status.run else ""
    return _node(CODE, "Code", [*places, commit, inputs])


def _graph(status: Status | None) -> dict[str, Any]:
    found = status.frozen_graph if status else None
    if found is None:
        return _node(GRAPH, "Frozen graph", ["not exported yet"], done=False)
    made_by = f"TensorFlow {found.tensorflow}" if found.tensorflow else ""
    return _node(GRAPH, "Frozen graph", [found.key, f"sha256:{found.sha256}", f"{found.size} bytes", made_by])


def _image(status: Status | None, *, published: bool) -> dict[str, Any]:
    if status and published and status.image:
        tags = ", ".join(status.image.tags)
        repository = status.image.reference.partition("@")[0]
        return _node(IMAGE, "Image", [status.image.digest, repository, f"tags {tags}" if tags else ""])
    if status and status.built:
        return _node(IMAGE, "Image", [status.built.digest, "not published yet"], done=False)
    return _node(IMAGE, "Image", ["not built yet"], done=False)
