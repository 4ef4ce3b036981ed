"""What the status says is in the registry and in US3 (formerly UFile). Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from inference_image_operator.api import Spec, Status


class ExpectedImage(NamedTuple):
    """A tag or digest of a repository."""

    what: str
    repository: str
    selector: str
    """The tag or digest to ask for."""
    digest: str
    size: int = 0
    """Compressed bytes; 0 if the status does not say."""


class ExpectedObject(NamedTuple):
    """An object of the bucket."""

    what: str
    key: str
    size: int | None = None
    sha256: str = ""
    """Hex; empty if the status does not say."""
    etag: str = ""


def images(spec: Spec, status: Status, generation: int) -> Iterator[ExpectedImage]:
    """The published image, its tags and its copies, the image of a run under way, and the history."""
    published, built = status.image, status.built
    repository = published.reference.partition("@")[0] if published else spec.image.repository
    if published:
        copies = spec.image.additional_repositories if published.generation == generation else ()
        for place in (repository, *copies):
            yield ExpectedImage("image", place, published.digest, published.digest, published.size)
            yield from (ExpectedImage("tag", place, tag, published.digest) for tag in published.tags)
    if built and not (published and published.digest == built.digest):
        yield ExpectedImage("image before its test", spec.image.repository, built.digest, built.digest, built.size)
    known = {found.digest for found in (published, built) if found}
    for digest in dict.fromkeys(entry.digest for entry in status.history if entry.digest not in known):
        yield ExpectedImage("earlier image", repository, digest, digest)


def objects(status: Status) -> Iterator[ExpectedObject]:
    """The graph in its formats, the input lock and the pinned checkpoint."""
    graph, lock, checkpoint = status.frozen_graph, status.input_lock, status.checkpoint
    if graph:
        forms = (("graph", graph), ("SavedModel", graph.saved_model), ("ONNX model", graph.onnx))
        yield from (ExpectedObject(what, form.key, form.size, form.sha256) for what, form in forms if form)
    if lock:
        yield ExpectedObject("input lock", lock.key, sha256=lock.sha256)
    for file in checkpoint.files if checkpoint else ():
        yield ExpectedObject("checkpoint", file.key, file.size, etag=file.etag)
