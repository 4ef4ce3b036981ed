"""Results of Kaniko, in the cache by what they depend on. Kaniko is not ours: equal builds need no second run."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from bench.builders import in_root, programs
from devcluster import binaries
from devcluster.lib import cached
from devcluster.settings import cache

_RESULT = "result.json"
_SOURCES = {Path(name).name: Path(name) for name in (__file__, programs.__file__, in_root.__file__)}


def kept(workspace: Path, texts: Mapping[str, str], words: Iterable[str], build: Callable[[], bytes]) -> bytes:
    """What `build` returns for a workspace.

    `texts` has what differs in each run, such as the registry's port, and what to read in its place. `words` are what
    else the result depends on: digests of images, flags, capabilities.
    """
    paths = sorted(workspace.rglob("*"))
    files = {str(path.relative_to(workspace)): path for path in paths if path.is_file()}
    dockerfile = files.pop("Dockerfile").read_bytes().decode("utf-8", "backslashreplace")
    for changing, name in texts.items():
        dockerfile = dockerfile.replace(changing, name)
    modes = [f"{path.relative_to(workspace)} {path.lstat().st_mode:o}" for path in paths]
    executor = binaries.ensure(binaries.KANIKO)["executor"].parent.name
    place = cache() / "builds" / cached.key(files | _SOURCES, dockerfile, *modes, executor, *words)
    if not cached.is_filled(place):
        with cached.fill(place) as scratch:
            (scratch / "result").mkdir()
            (scratch / "result" / _RESULT).write_bytes(build())
    return (place / _RESULT).read_bytes()
