"""Expands variables in a word of a Dockerfile as the builder does. Pure.

Rules: https://docs.docker.com/reference/dockerfile/#environment-replacement.
"""

import re
from collections.abc import Mapping

_VARIABLE = r"""
        \$(?P<plain>[A-Za-z_][A-Za-z0-9_]*)
      | \$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-+?])(?P<word>[^}]*))?\}
      | (?P<bad>\$\{[^}]*\}?)
      | (?P<text>.)"""
_PART = re.compile(
    r"""\\(?P<escaped>.)
      | '(?P<single>[^']*)'
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | (?P<quote>") |"""
    + _VARIABLE,
    re.VERBOSE | re.DOTALL,
)
_QUOTED = re.compile(r"""\\(?P<escaped>["$\\]) |""" + _VARIABLE, re.VERBOSE | re.DOTALL)
"""Within double quotes, a single quote is an ordinary character, and so is a backslash that escapes nothing."""


def expand(word: str, variables: Mapping[str, str]) -> str:
    """`word` without quotes and with its variables replaced; an unknown variable is empty.

    Raises ValueError for a malformed substitution, or one that demands an error (`${NAME:?text}`).
    """
    return "".join(_part(match, variables) for match in _PART.finditer(word))


def _part(match: re.Match[str], variables: Mapping[str, str]) -> str:
    kind = match.lastgroup
    if kind == "quote":
        return ""
    if kind == "double":
        return "".join(_part(part, variables) for part in _QUOTED.finditer(match["double"]))
    if kind == "plain":
        return variables.get(match["plain"], "")
    if kind == "bad":
        raise ValueError(f"{match['bad']!r} is not a substitution that Dockerfiles support")
    if kind in {"name", "operator", "word"}:
        return _substitute(match["name"], match["operator"] or "", match["word"] or "", variables)
    return match[kind] if kind else ""


def _substitute(name: str, operator: str, word: str, variables: Mapping[str, str]) -> str:
    """`${name}`, `${name-word}`, `${name+word}`, `${name?word}`; a colon makes an empty value count as unset."""
    value = variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    match operator[-1:]:
        case "-":
            return (value or "") if is_set else expand(word, variables)
        case "+":
            return expand(word, variables) if is_set else ""
        case "?" if not is_set:
            raise ValueError(f"{name}: {word or 'it is not set'}")
        case _:
            return value or ""
