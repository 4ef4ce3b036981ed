"""Reads lists of numbers and strings as Python prints them: `[[0.1, 0.2, u'cat']]`.

Not `ast.literal_eval`: the response is untrusted, and Python's parser accepts any depth and takes much memory.
"""

import json
import re
from typing import Any

MAX_LENGTH = 1 << 20
"""Characters."""
MAX_DEPTH = 4
"""Nested lists: a batch, a picture, a detection, and one to spare."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>[\[(]) | (?P<close>[\])]) | (?P<comma>,)
      | (?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)L?
      | (?P<prefix>[uUbB]?)(?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
    )\s*""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))")
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}


def parse(text: str) -> Any:  # noqa: ANN401 - a list, a number or a string
    """The value: a tuple becomes a list, a number a float. Raises ValueError, which says why."""
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it is longer than {MAX_LENGTH} characters")
    written, depth, position = [], 0, 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            raise ValueError(f"{text[position : position + 20]!r} is unexpected at character {position + 1}")
        depth += bool(token["open"]) - bool(token["close"])
        if depth > MAX_DEPTH:
            raise ValueError(f"its lists are nested more than {MAX_DEPTH} deep")
        written.append(_as_json(token))
        position = token.end()
    return json.loads("".join(written))


def _as_json(token: re.Match[str]) -> str:
    if token["open"]:
        return "["
    if token["close"]:
        return "]"
    return "," if token["comma"] else json.dumps(_value(token))


def _value(token: re.Match[str]) -> float | str:
    if token["number"]:
        return float(token["number"])
    text = _ESCAPE.sub(_unescaped, token["text"][1:-1])
    if token["prefix"] not in {"u", "U"}:
        # Python 2 prints the bytes of such a string.
        try:
            return text.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return text
    return text


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    return chr(int(code, 16)) if code else _CONTROL.get(found[4], found[4])
