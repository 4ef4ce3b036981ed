"""The parser directives at the top of a Dockerfile: `syntax`, `escape` and `check`. Pure.

Rules: https://docs.docker.com/reference/dockerfile/#parser-directives.
"""

import re
from typing import NamedTuple

_DIRECTIVE = re.compile(r"#\s*([A-Za-z][A-Za-z0-9]*)\s*=(.+)")
_KNOWN = frozenset({"syntax", "escape", "check"})
_DOCKERFILE = re.compile(
    r"(?:docker\.io/|registry\.hub\.docker\.com/)?(?:library/)?docker/dockerfile(?:-upstream)?(?:[:@].*)?"
)


class Directives(NamedTuple):
    """The values of the directives, and the line of `syntax`."""

    escape: str = "\\"
    syntax: str = ""
    syntax_line: int = 0

    @property
    def is_dockerfile(self) -> bool:
        """Whether `syntax` names Docker's own Dockerfile format: any release of it."""
        return not self.syntax or _DOCKERFILE.fullmatch(self.syntax.partition(" ")[0]) is not None


def read(text: str) -> Directives:
    """The directives of a Dockerfile; any other line, an empty one too, ends them."""
    found: dict[str, tuple[str, int]] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        if number == 1 and line.startswith("#!"):
            continue
        match = _DIRECTIVE.fullmatch(line.rstrip())
        if match is None or match[1].lower() not in _KNOWN or not match[2].strip():
            break
        found[match[1].lower()] = match[2].strip(), number
    escape, _ = found.get("escape", ("\\", 0))
    return Directives("`" if escape == "`" else "\\", *found.get("syntax", ("", 0)))
