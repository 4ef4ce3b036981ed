"""Which stages a field of the spec reaches: what a change of it makes again."""

from collections.abc import Iterator
from enum import IntEnum

import msgspec

from inference_image_operator.api import Part, Spec


class Reach(IntEnum):
    """From where on a changed field makes other results. Each value includes those below it."""

    NO_RUN = 0
    """It starts no run."""
    RUN = 1
    """It starts a run, which reuses all results: Resolve pins the inputs again, Publish moves the tags."""
    TEST = 2
    """It changes the test."""
    IMAGE = 3
    """It changes what enters the image, or where the image is looked up."""
    EXPORT = 4
    """It changes what enters the export, or where its result is looked up."""


_FIELDS = {
    "suspend": Reach.NO_RUN,
    "retry": Reach.NO_RUN,
    "rollout": Reach.NO_RUN,
    "ttlAfterFinished": Reach.NO_RUN,
    "ufile": Reach.RUN,
    "ufile.bucket": Reach.EXPORT,
    "ufile.region": Reach.EXPORT,
    "ufile.endpoint": Reach.EXPORT,
    "model": Reach.EXPORT,
    "model.labelMap": Reach.IMAGE,
    "model.checkpoint.poll": Reach.NO_RUN,
    "model.checkpoint.waitFor": Reach.NO_RUN,
    "export": Reach.RUN,
    "export.inputType": Reach.EXPORT,
    "export.formats": Reach.EXPORT,
    "export.frozenGraph": Reach.EXPORT,
    "export.outputPrefix": Reach.EXPORT,
    "source": Reach.IMAGE,
    "source.git.poll": Reach.NO_RUN,
    "source.git.secretRef": Reach.RUN,
    "build": Reach.RUN,
    "build.args": Reach.IMAGE,
    "image": Reach.RUN,
    "image.repository": Reach.IMAGE,
    "test": Reach.TEST,
    "scheduling": Reach.RUN,
    "resources": Reach.RUN,
    "podMetadata": Reach.RUN,
}
"""The longest beginning of a field's path decides."""


def reach(field: str) -> Reach:
    """How far a change of this field reaches; `field` is a path below `spec`, such as `image.tags`.

    Raises KeyError if there is no such field.
    """
    path = field
    while path not in _FIELDS and "." in path:
        path = path.rpartition(".")[0]
    return _FIELDS[path]


def changed(before: Spec, after: Spec) -> tuple[str, ...]:
    """The paths below `spec` that differ, defaults filled in."""
    return tuple(_changed(before, after, ""))


def _changed(before: Part, after: Part, prefix: str) -> Iterator[str]:
    for field in msgspec.structs.fields(before):
        was, becomes = getattr(before, field.name), getattr(after, field.name)
        path = f"{prefix}{field.encode_name}"
        if was == becomes:
            continue
        if isinstance(was, Part) and type(was) is type(becomes):
            yield from _changed(was, becomes, f"{path}.")
        else:
            yield path
