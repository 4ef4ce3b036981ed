"""Patterns of COPY and ADD, as Go's `path.Match` reads them. Pure."""

import re

_TOKEN = re.compile(r"\\(?P<escaped>.)|\[(?P<negated>\^?)(?P<members>(?:\\.|[^\]\\])+)\]|(?P<plain>.)", re.DOTALL)


def is_pattern(path: str) -> bool:
    """Whether a source has to be matched against the context."""
    return any(character in path for character in "*?[")


def compiled(pattern: str) -> re.Pattern[str]:
    """A regular expression for `fullmatch`: `*` and `?` stop at a slash, `[^a-z]` excludes.

    Rules: https://pkg.go.dev/path#Match. Raises ValueError for an open bracket.
    """
    return re.compile("".join(_part(match, pattern) for match in _TOKEN.finditer(pattern)), re.DOTALL)


def _part(match: re.Match[str], pattern: str) -> str:
    if match["escaped"]:
        return re.escape(match["escaped"])
    if match["members"]:
        members = match["members"].replace("[", r"\[").replace("&&", r"&\&").replace("||", r"|\|").replace("~~", r"~\~")
        return f"(?!/)[{match['negated']}{members}]"
    match match["plain"]:
        case "*":
            return "[^/]*"
        case "?":
            return "[^/]"
        case "[":
            raise ValueError(f"{pattern!r} has a bracket that is not closed")
        case plain:
            return re.escape(plain)
