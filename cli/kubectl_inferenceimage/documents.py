"""Reads YAML files as Kubernetes does."""

import sys
from pathlib import Path
from typing import Any

import yaml

from kubectl_inferenceimage.errors import CommandError

STDIN = "-"
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
"""libyaml: the same text, ten times as fast."""
_KEPT = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""Dates stay strings: Kubernetes converts YAML to JSON, which has no dates."""


class _Fast(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # one of two classes
    """libyaml: ten times as fast. It explains errors worse."""

    yaml_implicit_resolvers = _KEPT


class _Explaining(yaml.SafeLoader):
    yaml_implicit_resolvers = _KEPT


def read(path: str) -> list[Any]:
    """The documents of the file `path`, or of standard input for `-`, without empty ones.

    Raises CommandError when the file cannot be read, or is not YAML.
    """
    try:
        text = sys.stdin.read() if path == STDIN else Path(path).read_text(encoding="utf-8")
        return [document for document in parse(text) if document is not None]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CommandError(f"{path} cannot be read: {reason}.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
        raise CommandError(f"{path}{where}, is not valid YAML: {problem}.") from error


def parse(text: str) -> list[Any]:
    """The documents of a text. Raises yaml.YAMLError."""
    try:
        return list(yaml.load_all(text, Loader=_Fast))
    except yaml.YAMLError:
        return list(yaml.load_all(text, Loader=_Explaining))
