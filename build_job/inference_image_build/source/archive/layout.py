"""Which files of an archive form the build context: without macOS's metadata, without a top folder. Pure."""

from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

_MACOS = "__MACOSX"
_APPLE_DOUBLE = "._"


def is_metadata(path: str, paths: Collection[str]) -> bool:
    """Whether macOS added the file: below `__MACOSX/`, or `._name` next to the file or folder `name` of `paths`.

    Finder and `tar` on macOS store attributes of a file in such files.
    """
    whole = PurePosixPath(path)
    if whole.parts[0] == _MACOS:
        return True
    if not whole.name.startswith(_APPLE_DOUBLE):
        return False
    owner = str(whole.with_name(whole.name.removeprefix(_APPLE_DOUBLE) or "."))
    return owner in paths or any(other.startswith(f"{owner}/") for other in paths)


def top_folder(paths: Iterable[str], dockerfile: str, also: Iterable[str] = ()) -> str:
    """The folder that contains all files and is not part of the context; empty when there is none.

    Archives of a repository's web page and of `tar czf x.tar.gz project` have one. It is left out only if the
    Dockerfile is in it and not at its own path, or, for a Dockerfile that can be generated, one of the folders `also`.
    """
    paths = set(paths)
    top = next(iter(paths), "").partition("/")[0]
    if not top or dockerfile in paths or not all(path.startswith(f"{top}/") for path in paths):
        return ""
    found = f"{top}/{dockerfile}" in paths or any(path.startswith(f"{top}/{name}/") for path in paths for name in also)
    return top if found else ""
