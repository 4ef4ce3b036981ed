"""Which files of a context .dockerignore excludes. Pure.

The rules are those of moby's `patternmatcher` and its `ignorefile`, which Docker, BuildKit and Kaniko share; of the
libraries on PyPI, `pathspec` follows gitignore, where `a` also matches `x/a`, and `docker` misses cases of `**`.
"""

import posixpath
from collections.abc import Iterable
from typing import NamedTuple

from inference_image_build.dockerfile import patterns
from inference_image_build.dockerfile.patterns import Pattern, TooMuchWork, Work
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

NAME = ".dockerignore"
MAX_BYTES = 64 * 1024
_MAX_RULES = 1000


class Rule(NamedTuple):
    """One line: its pattern, and whether it includes files again (`!`)."""

    keeps: bool
    pattern: Pattern


def names(dockerfile: str) -> tuple[str, str]:
    """The files that may contain the rules for a Dockerfile; only the first that exists applies."""
    return f"{dockerfile}{NAME}", NAME


def parse(data: bytes, name: str) -> tuple[Rule, ...]:
    """The rules, in order. `name` is the file's path, for messages.

    Raises StageError (`DockerignoreInvalid`) with the line.
    """
    if len(data) > MAX_BYTES:
        raise _invalid(name, 1, f"it has more than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid(name, data[: error.start].count(b"\n") + 1, "it is not UTF-8 text") from error
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        pattern = line.strip()
        if line.startswith("#") or not pattern:
            continue
        keeps = pattern.startswith("!")
        if keeps:
            pattern = pattern[1:].strip()
            if not pattern:
                raise _invalid(name, number, "a pattern must follow '!'")
        try:
            found.append(Rule(keeps, patterns.parse(cleaned(pattern), folders=True)))
        except ValueError as error:
            raise _invalid(name, number, str(error)) from error
        if len(found) > _MAX_RULES:
            raise _invalid(name, number, f"it has more than {_MAX_RULES} patterns")
    return tuple(found)


def ignores(rules: Iterable[Rule], path: str, work: Work | None = None) -> bool:
    """Whether a file is excluded: the last rule that matches it or one of its parent folders decides.

    Raises TooMuchWork when `work` is used up.
    """
    ignored = False
    for rule in rules:
        if rule.keeps == ignored and patterns.matches(rule.pattern, path, below=True, work=work):
            ignored = not rule.keeps
    return ignored


def kept(rules: Iterable[Rule], paths: Iterable[str], name: str) -> frozenset[str]:
    """The paths that are not excluded. `name` is the file of the rules, for messages.

    Raises StageError (`DockerignoreInvalid`) when its patterns take too long.
    """
    rules, work = tuple(rules), Work()
    try:
        return frozenset(path for path in paths if not ignores(rules, path, work))
    except TooMuchWork as error:
        raise _invalid(name, 1, str(error)) from error


def cleaned(pattern: str) -> str:
    """The shortest form of the path. An absolute path is relative to the context, and `..` does not leave it."""
    rooted = pattern.startswith("/")
    clean = posixpath.normpath("/" + pattern.lstrip("/") if rooted else pattern)
    return (clean[1:] or clean if rooted else clean).strip()


def _invalid(name: str, line: int, clause: str) -> StageError:
    return StageError(
        Reason.DOCKERIGNORE_INVALID,
        f"The file {name}, line {line}: {clause}.",
        f"Fix line {line} of {name} and upload it, {REQUEST_AGAIN}",
    )
