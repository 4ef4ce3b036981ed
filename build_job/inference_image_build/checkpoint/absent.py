"""Explains why the requested checkpoint does not exist: what lies under the prefix instead, and what to do about it."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from inference_image_build.checkpoint import select
from inference_image_build.checkpoint.select import Checkpoint, Wanted
from inference_image_contract.checkpoint_index import InvalidIndexError, is_object_based
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_store import ArchivedError, ObjectInfo, Store

_MAX_FILES = 2000
_MAX_INDEX = 64 * 1024**2
_MAX_SHOWN = 10
_TENSORFLOW_2 = (
    "The export reads checkpoints of TensorFlow 1, which name their variables: train with the Object Detection API "
    "for TensorFlow 1; or freeze the model and set spec.export.frozenGraph in place of spec.model.checkpoint."
)
_BY_NAME = "To export it, set spec.model.checkpoint to `name: {name}`. Tags of such an image cannot use {{step}}."
_OLDEST_FORMAT = re.compile(rf"{re.escape(select.NAME)}(-\d+)?")
_PACKED = (".tar.gz", ".tgz", ".tar", ".zip")


class There(NamedTuple):
    """What lies under the prefix."""

    wanted: Wanted
    keys: Sequence[str]
    """All keys under the prefix, at most `_MAX_FILES`."""
    checkpoints: dict[str, Checkpoint]
    """Those directly under the prefix."""
    named: str
    """The name in the `checkpoint` file; empty when it is not asked or names none."""

    @property
    def names(self) -> list[str]:
        """The keys relative to the prefix."""
        return [key.removeprefix(self.wanted.prefix) for key in self.keys]

    @property
    def found(self) -> str:
        """The beginning of a sentence: which checkpoint is missing, and where."""
        prefix = self.wanted.prefix
        if self.wanted.name:
            return f"There is no checkpoint {self.wanted.name} under {prefix}"
        if self.wanted.step is not None:
            return f"There is no checkpoint of step {self.wanted.step} under {prefix}"
        if self.named:
            return f"{prefix}{select.STATE} names {self.named} as the newest checkpoint, which is not there"
        return f"There is no checkpoint with a step under {prefix}"


def failure(store: Store, wanted: Wanted, named: str = "") -> StageError:
    """The failure for a checkpoint that does not exist; `named` is the name in the `checkpoint` file, if it was asked.

    Raises StageError of the store.
    """
    listing = _listing(store, wanted.prefix)
    found = select.checkpoints(listing, wanted.prefix)
    there = There(wanted, [item.key for item in listing], found, named)
    other = _other_checkpoint(there)
    if other and _is_object_based(store, other):
        return of_tensorflow_2(other.name, wanted.prefix)
    return explained(there)


def explained(there: There) -> StageError:
    """The failure by what lies there. Pure."""
    explanations: tuple[Callable[[There], StageError | None], ...] = (
        _newest_without_step,
        _other_steps,
        _other_names,
        _oldest_format,
        _in_another_folder,
        _frozen,
        _packed,
    )
    return next((found for explain in explanations if (found := explain(there))), _nothing(there))


def of_tensorflow_2(name: str, prefix: str) -> StageError:
    """The failure of a checkpoint that TensorFlow 2 wrote."""
    return StageError(
        Reason.CHECKPOINT_UNSUPPORTED, f"{name} under {prefix} is a checkpoint of TensorFlow 2.", _TENSORFLOW_2
    )


def _listing(store: Store, prefix: str) -> list[ObjectInfo]:
    try:
        return store.list(prefix, limit=_MAX_FILES)
    except StageError as error:
        if error.reason is not Reason.LIMIT_EXCEEDED:
            raise
        return store.list(prefix + select.NAME, limit=_MAX_FILES)


def _other_checkpoint(there: There) -> Checkpoint | None:
    """A checkpoint besides those of a step: the one that the `checkpoint` file names, or the newest."""
    others = [each for name, each in there.checkpoints.items() if select.step_of(name) is None]
    others = [each for each in others if select.INDEX in each.parts]
    return max(others, key=lambda each: (each.name == there.named, each.modified, each.name), default=None)


def _is_object_based(store: Store, checkpoint: Checkpoint) -> bool:
    index = checkpoint.parts[select.INDEX]
    try:
        return is_object_based(store.read(index.key, max_bytes=_MAX_INDEX, etag=index.etag))
    except (InvalidIndexError, ArchivedError):
        return False
    except StageError as error:
        if error.reason in {Reason.OBJECT_NOT_FOUND, Reason.SOURCE_CHANGED, Reason.LIMIT_EXCEEDED}:
            return False
        raise


def _newest_without_step(there: There) -> StageError | None:
    newest = there.checkpoints.get(there.named)
    if newest is None or newest.step is not None or select.INDEX not in newest.parts:
        return None
    return _not_found(
        f"{there.wanted.prefix}{select.STATE} names the checkpoint {newest.name} as the newest, but this name "
        "contains no step.",
        _BY_NAME.format(name=newest.name),
    )


def _other_steps(there: There) -> StageError | None:
    steps = {name: select.step_of(name) for name, each in there.checkpoints.items() if select.INDEX in each.parts}
    found = sorted((step for step in steps.values() if step is not None), reverse=True)
    if not found:
        return None
    shown = ", ".join(map(str, found[:_MAX_SHOWN])) + (", ..." if len(found) > _MAX_SHOWN else "")
    if there.wanted.name:
        hint = "Set spec.model.checkpoint.step to one of them, in place of name."
    elif there.wanted.step is not None:
        hint = "Set spec.model.checkpoint.step to one of them."
    else:
        hint = (
            f"Upload {there.named}, or set spec.model.checkpoint.step to one of them; or upload the file "
            f"{select.STATE} of the right training, {REQUEST_AGAIN}"
        )
    return _not_found(f"{there.found}; existing steps: {shown}.", hint)


def _other_names(there: There) -> StageError | None:
    other = _other_checkpoint(there)
    if other is None:
        return None
    if there.wanted.name:
        return _not_found(
            f"{there.found}; existing checkpoints: {_shown(_complete(there))}.",
            "Set spec.model.checkpoint.name to one of them.",
        )
    return _not_found(
        f"{there.found}, but {other.name}, whose name contains no step.",
        _BY_NAME.format(name=other.name),
    )


def _complete(there: There) -> list[str]:
    return [name for name, each in there.checkpoints.items() if select.INDEX in each.parts]


def _oldest_format(there: There) -> StageError | None:
    name = next((name for name in there.names if _OLDEST_FORMAT.fullmatch(name)), "")
    if not name:
        return None
    return StageError(
        Reason.CHECKPOINT_UNSUPPORTED,
        f"{there.wanted.prefix}{name} is a checkpoint in TensorFlow's first format (V1), a single file without index.",
        "Restore it with TensorFlow 1 and save it again with tf.train.Saver(), which writes an .index file and data "
        f"shards; upload these, {REQUEST_AGAIN}",
    )


def _in_another_folder(there: There) -> StageError | None:
    """Only folders below the prefix can be seen."""
    ends = re.compile(rf"(?P<folder>.+/){re.escape(select.NAME)}(-\d+)?\.index")
    folders = sorted({match["folder"] for name in there.names if (match := ends.fullmatch(name))})
    if not folders:
        return None
    return _not_found(
        f"{there.found}, but there are checkpoints below it, in {_shown(folders)}.",
        f"Set spec.model.prefix to {there.wanted.prefix}{folders[0]}; spec.model.pipelineConfig is relative to it.",
    )


def _frozen(there: There) -> StageError | None:
    graph = next((key for key in there.keys if key.endswith("frozen_inference_graph.pb")), "")
    if graph:
        return _not_found(
            f"{there.found}, but the frozen graph {graph}.",
            f"To build an image of it, set spec.export.frozenGraph.key to {graph} and remove spec.model.checkpoint; to "
            f"export a checkpoint, upload its .index file and data shards, {REQUEST_AGAIN}",
        )
    model = next((key for key in there.keys if key.endswith("saved_model.pb")), "")
    if model:
        return _not_found(
            f"{there.found}, but the SavedModel {model}.",
            f"A SavedModel cannot be exported: upload the training's checkpoint, {REQUEST_AGAIN}",
        )
    return None


def _packed(there: There) -> StageError | None:
    archive = next((key for key in there.keys if key.lower().endswith(_PACKED)), "")
    if not archive:
        return None
    return _not_found(
        f"{there.found}, but the archive {archive}.",
        f"Unpack the archive and upload the files in it under spec.model.prefix, {REQUEST_AGAIN}",
    )


def _nothing(there: There) -> StageError:
    hint = f"Set spec.model.prefix to the folder that the training wrote to, or upload its output, {REQUEST_AGAIN}"
    if not there.keys:
        return _not_found(f"{there.found}: no object begins with this prefix.", hint)
    return _not_found(f"{there.found}; it holds {_shown(there.names)}.", hint)


def _shown(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:_MAX_SHOWN]) + (", ..." if len(names) > _MAX_SHOWN else "")


def _not_found(message: str, hint: str) -> StageError:
    return StageError(Reason.CHECKPOINT_NOT_FOUND, message, hint)
