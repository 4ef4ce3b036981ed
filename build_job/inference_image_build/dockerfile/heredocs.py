"""The heredocs of COPY, ADD and RUN, by the rules of BuildKit's parser. Pure."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from inference_image_build.dockerfile.rules import Instruction

_MARK = re.compile(r"\d*<<(?P<tabs>-?)\s*(?P<word>[^<\s]+)\s*")
_TABS = re.compile(r"^\t+", re.MULTILINE)


class Document(NamedTuple):
    """A heredoc that is a file."""

    name: str
    text: str
    expands: bool
    """Whether variables in it are replaced: its name has no quotes."""


def is_mark(word: str) -> bool:
    """Whether a whole word starts a heredoc, such as `<<EOF`."""
    return _MARK.fullmatch(word) is not None


def documents(instruction: Instruction) -> Iterator[Document]:
    """The files that a COPY or ADD writes from heredocs, in order."""
    contents = {found.name: found.content for found in instruction.heredocs}
    for word in instruction.arguments[:-1]:
        if match := _MARK.fullmatch(word):
            name = re.sub("['\"]", "", match["word"])
            text = contents.get(name, "")
            yield Document(name, _TABS.sub("", text) if match["tabs"] else text, name == match["word"])


class Script(NamedTuple):
    """What a RUN with heredocs executes."""

    text: str
    """The text for the shell, or the whole file."""
    name: str
    """The heredoc's name, if it is one file that starts with `#!`."""


def script(instruction: Instruction) -> Script | None:
    """What a RUN with heredocs executes; None without heredocs.

    A heredoc alone is the script: for the shell, or a file of its own if it starts with `#!`. Otherwise the shell reads
    the heredocs itself.
    """
    if not instruction.heredocs:
        return None
    command = instruction.arguments[0]
    if match := _MARK.fullmatch(command):
        content = instruction.heredocs[0].content
        text = _TABS.sub("", content) if match["tabs"] else content
        return Script(text, instruction.heredocs[0].name if text.startswith("#!") else "")
    return Script(command + "".join(f"\n{found.content}{found.name}" for found in instruction.heredocs), "")
