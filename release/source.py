"""The commit that a release is built from: its files, time and version."""

import contextlib
import os
import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from release.devtools import CommandError, run
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


def revision() -> str:
    """The commit that the working tree equals; empty when a file was changed or added, and outside of Git."""
    try:
        return "" if _differences("normal") else run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY).strip()
    except CommandError:
        return ""


def _differences(untracked: str) -> str:
    """What differs from the commit, a line each; `untracked` as in git-status(1)."""
    return run(["git", "status", "--porcelain", f"--untracked-files={untracked}"], cwd=REPOSITORY)


def require_clean() -> None:
    """Raises ReleaseError while a tracked file differs from the commit."""
    changed = _differences("no")
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
