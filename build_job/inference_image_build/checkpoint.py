"""Decides from a listing which files make up a TensorFlow checkpoint, and whether it is complete. Pure."""

import re
from collections.abc import Iterable

from inference_image_build.hints import REQUEST_AGAIN
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import PinnedObject
from inference_image_contract.reasons import Reason

NAME = "model.ckpt"
"""The stem that the Object Detection API's training gives every checkpoint."""
_MAX_STEPS_SHOWN = 10

_FILE = re.compile(
    re.escape(NAME) + r"-(?P<step>\d{1,18})\.(?P<part>index|meta|data-(?P<shard>\d{5})-of-(?P<shards>\d{5}))"
)


def files_of_step(listing: Iterable[PinnedObject], prefix: str, step: int) -> tuple[PinnedObject, ...]:
    """Index, all data shards and, where present, meta of `{prefix}model.ckpt-{step}`, sorted by key.

    `listing` are the objects under `{prefix}model.ckpt-`; what does not look like a checkpoint file is ignored.
    Raises StageError: `CheckpointNotFound` names the steps that are there, `CheckpointIncomplete` the missing file.
    """
    found = [(match, item) for item in listing if (match := _FILE.fullmatch(item.key.removeprefix(prefix)))]
    parts = {match["part"]: item for match, item in found if match["step"] == str(step)}
    if not parts:
        raise _not_found(prefix, step, {int(match["step"]) for match, _ in found if match["part"] == "index"})
    for name in _expected(parts):
        if name not in parts:
            raise _incomplete(f"{prefix}{NAME}-{step}.{name}", "is missing")
        if name == "index" and parts[name].size == 0:
            raise _incomplete(f"{prefix}{NAME}-{step}.{name}", "is empty")
    return tuple(sorted(parts.values(), key=lambda item: item.key))


def _expected(parts: Iterable[str]) -> tuple[str, ...]:
    """The names that must be there: the index, and every shard of every total that a shard's name tells."""
    totals = {int(part.rpartition("-")[2]) for part in parts if part.startswith("data-")} or {1}
    shards = (f"data-{shard:05}-of-{total:05}" for total in sorted(totals) for shard in range(total))
    return ("index", *shards)


def _not_found(prefix: str, step: int, steps: set[int]) -> StageError:
    there = sorted(steps, reverse=True)
    if not there:
        return StageError(
            Reason.CHECKPOINT_NOT_FOUND,
            f"There is no checkpoint under {prefix}: no object {prefix}{NAME}-*.index.",
            f"Set spec.model.prefix to the folder that the training wrote to, or upload its output, {REQUEST_AGAIN}",
        )
    shown = ", ".join(map(str, there[:_MAX_STEPS_SHOWN])) + (", ..." if len(there) > _MAX_STEPS_SHOWN else "")
    return StageError(
        Reason.CHECKPOINT_NOT_FOUND,
        f"There is no checkpoint of step {step} under {prefix}; the steps that are there: {shown}.",
        "Set spec.model.checkpoint.step to one of them.",
    )


def _incomplete(key: str, what: str) -> StageError:
    return StageError(
        Reason.CHECKPOINT_INCOMPLETE,
        f"The checkpoint is incomplete: {key} {what}.",
        f"Upload {key}, {REQUEST_AGAIN}",
    )
