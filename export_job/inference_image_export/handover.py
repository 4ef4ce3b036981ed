"""What the container that runs graphs hands to the one that has the keys: verified files and a few plain words.

A graph that escaped from TensorFlow could write anything here, so the reader believes the names of this module alone,
takes regular files and no links, and bounds every word.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

GRAPH = "frozen_inference_graph.pb"
PIPELINE_CONFIG = "pipeline.config"
SAVED_MODEL = "saved_model/saved_model.pb"
ONNX = "model.onnx"
_WORDS = "verified.json"
_MAX_WORDS = 4096

_Word = Annotated[str, msgspec.Meta(max_length=40, pattern=r"^[0-9A-Za-z.+-]*\Z")]


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known about the files beside their bytes."""

    tensorflow: _Word
    """Version of TensorFlow that verified the graph, and froze it if it came from a checkpoint."""
    readable_by: _Word
    """The oldest TensorFlow that reads the graph, such as `1.7`."""
    memory_bytes: Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]
    """Peak memory of a process that loaded the graph and ran it on one picture."""
    greatest_difference: _Word = ""
    """The difference of the ONNX model, as in `OnnxModel`."""


@dataclass(frozen=True)
class Verified:
    """Verified files, ready to publish."""

    words: Words
    files: Mapping[str, Path]
    """The files by their names in the folder of the results."""


def leave(verified: Verified, folder: Path) -> None:
    """Moves the files into `folder`, under their names; the words come last."""
    for name, path in verified.files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)
    (folder / _WORDS).write_bytes(msgspec.json.encode(verified.words))


def take(folder: Path, names: Iterator[str] | list[str]) -> Verified:
    """The files of these names, and the words.

    Raises StageError (`GraphInvalid`) when one is missing, is not a plain file, or has no valid words.
    """
    files = {name: _plain(folder, name) for name in names}
    try:
        with _plain(folder, _WORDS).open("rb") as file:
            words = untrusted_json.read(file.read(_MAX_WORDS), Words, max_bytes=_MAX_WORDS)
    except ValueError as error:
        raise _refused(_WORDS, "is not what the export writes") from error
    return Verified(words, files)


def _plain(folder: Path, name: str) -> Path:
    """The path of a regular file, none of whose folders is a link."""
    path = folder / name
    try:
        status = os.lstat(path)
    except OSError as error:
        raise _refused(name, "is missing") from error
    inside = path.parent.resolve() == folder.resolve() / Path(name).parent
    if not inside or not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
        raise _refused(name, "is not a plain file")
    return path


def _refused(name: str, what: str) -> StageError:
    return StageError(
        Reason.GRAPH_INVALID,
        f"{name}, which the container `export` left for `upload`, {what}.",
        "Nothing was published. Request another run. If this happens again, the graph may be an attack: find out where "
        "it comes from.",
    )
