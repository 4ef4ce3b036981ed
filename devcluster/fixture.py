"""The training output of the examples, for the demo and tests: cached under the hash of its inputs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devcluster.lib import cached
from devcluster.lib.progress import step
from devcluster.lib.run import CommandError, tail
from devcluster.settings import REPOSITORY, cache

EXAMPLES = REPOSITORY / "examples"
PYTHON = REPOSITORY / ".venv-tf" / "bin" / "python"

_PREPARED = "prepared"
_INDEX_SUFFIX = ".index"
_STDERR = 2  # the training prints its progress on standard output; ours is for the caller


@dataclass(frozen=True)
class Training:
    """One example's training: a program that writes into the folder given as its argument."""

    folder: Path
    program: str
    label_map: str
    inputs: tuple[str, ...]
    """Other files that it reads from its folder."""
    expect: str
    """How long it takes on two cores."""


SHAPES = Training(
    EXAMPLES / "object-detect" / "training",
    "train.py",
    "label_map.pbtxt",
    ("shapes.py", "pipeline.config"),
    "about a minute",
)
TUTORIAL = Training(
    EXAMPLES / "tutorial" / "training",
    "draw_weights.py",
    "pet_label_map.pbtxt",
    ("pipeline.config",),
    "about two minutes",
)
"""The tutorial's model at full size."""


@dataclass(frozen=True)
class Fixture:
    """The output of one training."""

    directory: Path
    label_map: Path
    """Apart, because it has its own prefix."""

    @property
    def step(self) -> int:
        """The training step of its only checkpoint."""
        (index,) = self.directory.glob("model.ckpt-*" + _INDEX_SUFFIX)
        return int(index.name.removesuffix(_INDEX_SUFFIX).rpartition("-")[2])

    @property
    def training_output(self) -> tuple[Path, ...]:
        """The files that a training writes under its output prefix."""
        return tuple(sorted(path for path in self.directory.iterdir() if path.is_file() and path != self.label_map))

    @property
    def prepared(self) -> tuple[Path, ...]:
        """The files beside the label map, where the training read them."""
        return tuple(sorted((self.directory / _PREPARED).glob("*")))


def fixture(training: Training = SHAPES) -> Fixture:
    """The fixture of this checkout, trained now unless it is cached.

    Raises CommandError when the training fails, FileNotFoundError without the TensorFlow environment.
    """
    inputs = {path.relative_to(REPOSITORY).as_posix(): path for path in _inputs(training)}
    directory = cache() / "fixture" / cached.key(inputs)
    if not cached.is_filled(directory):
        with step(f"Training: {training.folder.parent.name}", f"{training.expect} on two cores"):
            _train(training, directory)
    return Fixture(directory, directory / training.label_map)


def _inputs(training: Training) -> Iterator[Path]:
    """Scripts, config, label map, packages."""
    yield from (training.folder / name for name in (training.program, *training.inputs, training.label_map))
    yield REPOSITORY / "requirements" / "export.txt"


def _train(training: Training, directory: Path) -> None:
    if not PYTHON.is_file():
        raise FileNotFoundError(f"{PYTHON} is missing: create the TensorFlow environment with `make setup-tf`")
    with cached.fill(directory) as scratch:
        result = scratch / "result"
        result.mkdir()
        _run(training.folder / training.program, result)


def _run(program: Path, output: Path) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [PYTHON, program, output],
        env=environment,
        stdout=_STDERR,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"The training failed with exit code {done.returncode}:\n{tail(done.stderr)}")


if __name__ == "__main__":
    print(fixture({"": SHAPES, "tutorial": TUTORIAL}["".join(sys.argv[1:])]).directory)
