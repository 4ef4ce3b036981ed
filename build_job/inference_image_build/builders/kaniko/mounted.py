"""RUN with mounts for Kaniko, which has none: a script makes the folders, runs the command and takes them away. Pure.

A cache may be empty, and nothing of a mount gets into the image, so an empty folder that is removed again does what
a cache or a tmpfs does. For a bind, the script copies from the context. What the base has at that place is moved aside
and back. It needs root.
"""

import shlex
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from inference_image_build.dockerfile.mounts import Mount
from inference_image_contract import paths

_ASIDE = ".inference-image-aside"
_FAILED = 125
"""The exit code for a mount that cannot be made, as of `docker run`."""


def command(mounts: Iterable[tuple[Mount, str]], words: Iterable[str], content: str = "") -> list[str]:
    """The words of RUN's JSON form: `words` with mounts, each with its absolute target.

    `content` is a hash of what is bound: Kaniko's cache of RUN goes by the command line.
    """
    made: list[str] = []
    removed: list[str] = []
    for number, (mount, target) in enumerate(mounts):
        made += _make(mount, target, f"_inference_image_{number}")
        removed[:0] = _remove(target, f"_inference_image_{number}")
    run = ['"$@"', "_inference_image_code=$?"]
    return [
        "/bin/sh",
        "-c",
        "\n".join([*([f"# {content}"] if content else []), *made, *run, *removed, "exit $_inference_image_code"]),
        "sh",
        *words,
    ]


def _make(mount: Mount, target: str, name: str) -> Iterator[str]:
    place, aside = shlex.quote(target), shlex.quote(target + _ASIDE)
    above = shlex.quote(str(PurePosixPath(target).parent))
    fail = f"|| exit {_FAILED}"
    yield f"{name}="
    yield f"if [ -e {place} ] || [ -L {place} ]; then mv {place} {aside} {fail}; {name}=aside; fi"
    yield f"{name}_above={above}"
    yield f'while [ ! -d "${name}_above" ]; do {_up(f"{name}_above")}; done'
    yield f"mkdir -p {above} {fail}"
    if mount.kind == "bind":
        yield f"cp -R {shlex.quote(str(PurePosixPath(paths.CONTEXT, mount.source.strip('/'))))} {place} {fail}"
        return
    yield f"mkdir {place} {fail}"
    if mount.mode:
        yield f"chmod {shlex.quote(mount.mode)} {place} {fail}"
    if mount.uid or mount.gid:
        yield f"chown {shlex.quote(f'{mount.uid or 0}:{mount.gid or 0}')} {place} {fail}"


def _up(name: str) -> str:
    """Sets a variable to the folder above its value."""
    return f"{name}=${{{name}%/*}}; {name}=${{{name}:-/}}"


def _remove(target: str, name: str) -> Iterator[str]:
    """Folders above the target that the script made go, too, unless the command put something there."""
    place, above = shlex.quote(target), shlex.quote(str(PurePosixPath(target).parent))
    yield f"rm -rf {place}"
    yield f'if [ "${name}" = aside ]; then mv {shlex.quote(target + _ASIDE)} {place}; fi'
    yield f"{name}={above}"
    yield f'while [ "${name}" != "${name}_above" ] && rmdir "${name}" 2>/dev/null; do {_up(name)}; done'
