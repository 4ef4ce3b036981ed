"""Writes words so that Kaniko reads exactly them. Pure."""

import json
import re
from collections.abc import Iterable

_SPECIAL = re.compile(r"""[\\$'"]""")
_WILDCARD = re.compile(r"[*?\[\\]")


def literal(word: str) -> str:
    """A word that is the same after Kaniko has replaced quotes and variables."""
    return _SPECIAL.sub(lambda match: "\\" + match[0], word)


def source(path: str) -> str:
    """A path of the context that is no pattern either."""
    return literal(_WILDCARD.sub(lambda match: "\\" + match[0], path))


def array(words: Iterable[str]) -> str:
    """The JSON form of an instruction's arguments, on one line."""
    return json.dumps(list(words), ensure_ascii=False)
