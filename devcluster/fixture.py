"""The trained checkpoint that demo and tests work on: trained once, kept in the cache under the hash of its inputs."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from devcluster.progress import step
from devcluster.run import CommandError, tail
from devcluster.settings import REPOSITORY, cache

TRAINING = REPOSITORY / "examples" / "object-detect" / "training"
PYTHON = REPOSITORY / ".venv-tf" / "bin" / "python"

LABEL_MAP = "label_map.pbtxt"
_INPUTS = ("train.py", "shapes.py", "pipeline.config", LABEL_MAP)
_INDEX_SUFFIX = ".index"
_STDERR = 2  # the training tells its progress on standard output, ours belongs to callers


@dataclass(frozen=True)
class Fixture:
    """What a training left behind."""

    directory: Path

    @property
    def step(self) -> int:
        """The training step of its only checkpoint."""
        (index,) = self.directory.glob("model.ckpt-*" + _INDEX_SUFFIX)
        return int(index.name.removesuffix(_INDEX_SUFFIX).rpartition("-")[2])

    @property
    def training_output(self) -> tuple[Path, ...]:
        """The files that a training task leaves under its output prefix."""
        return tuple(sorted(path for path in self.directory.iterdir() if path.name != LABEL_MAP))

    @property
    def label_map(self) -> Path:
        """The label map, which lives under another prefix."""
        return self.directory / LABEL_MAP


def fixture() -> Fixture:
    """The fixture of this checkout, trained now if the cache does not have it.

    Raises CommandError when the training fails, FileNotFoundError without the TensorFlow environment.
    """
    directory = cache() / "fixture" / _key()
    if not directory.is_dir():
        with step("training the fixture", "about a minute on two cores"):
            _train(directory)
    return Fixture(directory)


def _key() -> str:
    """Hash over what the training is made of: scripts, config, label map, packages."""
    digest = hashlib.sha256()
    for path in _inputs():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {path.relative_to(REPOSITORY).as_posix()}\n".encode())
    return digest.hexdigest()[:16]


def _inputs() -> Iterator[Path]:
    yield from (TRAINING / name for name in _INPUTS)
    yield REPOSITORY / "requirements" / "export.txt"


def _train(directory: Path) -> None:
    """Trains into a directory of its own and renames it, so that a half-trained fixture is never found."""
    if not PYTHON.is_file():
        raise FileNotFoundError(f"{PYTHON} is missing: `make setup-tf` makes the TensorFlow environment")
    directory.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".training-", dir=directory.parent))
    try:
        _run(work)
        if not directory.is_dir():  # somebody else was faster
            work.rename(directory)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(output: Path) -> None:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [PYTHON, TRAINING / "train.py", output],
        env=environment,
        stdout=_STDERR,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandError(f"the training ended with code {done.returncode}:\n{tail(done.stderr)}")


if __name__ == "__main__":
    print(fixture().directory)
