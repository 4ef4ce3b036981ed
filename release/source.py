"""The commit that a release is built from: its files, time and version."""

import contextlib
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from release.devtools import run
from release.errors import ReleaseError

REPOSITORY = Path(__file__).resolve().parents[1]
_VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)


def version(source: Path = REPOSITORY) -> str:
    """The version of the code in this folder."""
    text = (source / "job_contract" / "inference_image_contract" / "__init__.py").read_text()
    found = _VERSION.search(text)
    if not found:
        raise ReleaseError("inference_image_contract states no __version__.")
    return found[1]


def epoch(environment: Mapping[str, str] = os.environ) -> int:
    """SOURCE_DATE_EPOCH (https://reproducible-builds.org/specs/source-date-epoch/), else the time of the commit."""
    stated = environment.get("SOURCE_DATE_EPOCH", "")
    if stated and not stated.isdecimal():
        raise ReleaseError(f"SOURCE_DATE_EPOCH={stated} is not a number of seconds since 1970.")
    return int(stated or run(["git", "log", "-1", "--format=%ct"], cwd=REPOSITORY))


def require_clean() -> None:
    """Raises ReleaseError while a tracked file differs from the commit."""
    changed = run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=REPOSITORY)
    if changed:
        first = changed.splitlines()[0][3:]
        raise ReleaseError(f"A release is built from a commit, and {first} differs from it. Commit or undo the change.")


@contextlib.contextmanager
def exported() -> Iterator[Path]:
    """Exports the files of the commit to a folder, with modes that do not depend on the umask."""
    with tempfile.TemporaryDirectory(prefix="release-") as scratch:
        archive, folder = Path(scratch, "source.tar"), Path(scratch, "source")
        run(["git", "archive", "--format=tar", f"--output={archive}", "HEAD"], cwd=REPOSITORY)
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
        yield folder
