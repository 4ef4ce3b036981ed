"""The installed package as a whole: is it the known one, and exchanging it for the adapted one."""

import compileall
import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Iterable
from pathlib import Path

from adapt_object_detection import protos, source
from adapt_object_detection.reach import PACKAGES, reachable

VERSION = "0.0.3"
ORIGINAL = "sha256:1edd2a7ec4f1273a7f839c5ba7dcc428993be3474b5719944b28a67bf7534a2d"
"""`fingerprint` of tf-object-detection 0.0.3 as it is installed from its wheel."""

MARKER = "object_detection/ADAPTED"
"""Tells what was adapted and by which tool."""

_ADAPTED = (*PACKAGES, source.FACADE)

_UNUSED = ("datasets", "deployment", "preprocessing")  # top-level packages of the wheel that nothing here imports
_REMEDY = f"reinstall it (pip install --force-reinstall --no-deps tf-object-detection=={VERSION}) and adapt again"


class NotAdaptableError(Exception):
    """What is installed is neither the known package nor the adapted one."""


def adapt(site: Path) -> bool:
    """Adapts the package installed in `site`; False when it is adapted already.

    Raises NotAdaptableError when it is another version, was changed, or was adapted by another version of this tool.
    """
    if fingerprint(site, PACKAGES) == ORIGINAL:
        _adapt(site)
        return True
    marker = site / MARKER
    if not marker.is_file():
        raise NotAdaptableError(f"{site}: not tf-object-detection {VERSION} as published; {_REMEDY}")
    if marker.read_text("utf-8") != _mark(site):
        raise NotAdaptableError(f"{site}: adapted by another version of this tool, or changed since; {_REMEDY}")
    return False


def fingerprint(root: Path, packages: Iterable[str]) -> str:
    """sha256:<hex> over the path and the content of every .py file of `packages` under `root`."""
    digest = hashlib.sha256()
    for path in sorted(path for package in packages for path in (root / package).rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{content} {path.relative_to(root).as_posix()}\n".encode())
    return f"sha256:{digest.hexdigest()}"


def _mark(root: Path) -> str:
    """What was adapted, and by which tool."""
    tool = Path(__file__).parent
    return f"{fingerprint(root, _ADAPTED)} by {fingerprint(tool.parent, [tool.name])}"


def _adapt(site: Path) -> None:
    with tempfile.TemporaryDirectory(dir=site) as name:
        work = Path(name)
        _write(site, work)
        facade = Path(__file__).with_name(source.FACADE)
        shutil.copytree(facade, work / source.FACADE, ignore=shutil.ignore_patterns("__pycache__"))
        (work / MARKER).write_text(_mark(work), "utf-8")
        _exchange(site, work)


def _write(site: Path, work: Path) -> None:
    for path in reachable(site):
        text = (site / path).read_text("utf-8")
        text = protos.rebuild(path, text) if path.endswith("_pb2.py") else source.adapt(path, text)
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")


def _exchange(site: Path, work: Path) -> None:
    """Puts the packages of `work` in the place of those in `site`, with bytecode.

    An interruption leaves a mixture that `adapt` refuses.
    """
    for package in (*_ADAPTED, *_UNUSED):
        shutil.rmtree(site / package, ignore_errors=True)
    for package in _ADAPTED:
        shutil.move(work / package, site / package)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # string escapes that Python 3.12 began to warn about
            compileall.compile_dir(site / package, quiet=2)
