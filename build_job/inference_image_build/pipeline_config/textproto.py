"""Reads the protocol buffers text format without descriptors.

Rules: https://protobuf.dev/reference/protobuf/textformat-spec/. It knows no types, so it accepts any field.
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

MAX_DEPTH = 64
"""Deeper than any real configuration; keeps malicious input from exhausting the stack."""

_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
      | (?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      | (?P<word>[-+]?[A-Za-z0-9_.][A-Za-z0-9_.+-]*|-)
      | (?P<mark>[{}<>\[\]:,;/])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|[xX]([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_NAMED_ESCAPES = {"n": 10, "t": 9, "r": 13, "a": 7, "b": 8, "f": 12, "v": 11}
_MAX_CODE_POINT = 0x10FFFF
_MAX_SHOWN = 80
_QUOTES = dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"') | dict.fromkeys("\u2018\u2019\u201a\u2039\u203a", "'")
"""Quotes that word processors and input methods write in place of the ASCII ones."""
_CLOSING = {"{": "}", "<": ">"}


class TextprotoError(ValueError):
    """The text is malformed; `line` and `column` count from 1."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column
        self.message = message


class Field(NamedTuple):
    """One field. The value of a scalar is its text (a string without quotes and escapes), of a message its fields."""

    name: str
    line: int
    column: int
    value: "str | Message"


class Message(tuple[Field, ...]):
    """The fields of a message, in the order of the text."""

    __slots__ = ()

    def messages(self, name: str) -> "Iterator[tuple[int, Message]]":
        """(line, message) of every field of this name that is a message."""
        return ((f.line, f.value) for f in self if f.name == name and isinstance(f.value, Message))

    def scalars(self, name: str) -> "Iterator[tuple[int, str]]":
        """(line, text) of every field of this name that is a scalar."""
        return ((f.line, f.value) for f in self if f.name == name and isinstance(f.value, str))


def parse(text: str) -> Message:
    """The message that `text` holds.

    Raises TextprotoError with the line when it is malformed.
    """
    return _Parser(_tokens(text)).message("", 0)


class _Token(NamedTuple):
    kind: str
    text: str
    line: int
    column: int

    @property
    def shown(self) -> str:
        """The token, quoted for a message."""
        return repr(self.text[:_MAX_SHOWN] or "the end")

    def error(self, message: str) -> TextprotoError:
        """An error at this place."""
        return TextprotoError(self.line, self.column, message)


def _tokens(text: str) -> Iterator[_Token]:
    position, line, start_of_line = 0, 1, 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        column = position - start_of_line + 1
        if match is None:
            raise TextprotoError(line, column, _unexpected(text, position))
        kind = match.lastgroup or ""
        if kind != "space":
            yield _Token(kind, match.group(), line, column)
        lines = match.group().count("\n")
        if lines:
            line += lines
            start_of_line = text.rindex("\n", position, match.end()) + 1
        position = match.end()
    yield _Token("end", "", line, position - start_of_line + 1)


def _unexpected(text: str, position: int) -> str:
    """Why the text cannot continue like this, as a clause."""
    character = text[position]
    if character in "\"'":
        rest = text[position:].partition("\n")[0]
        path = "; a backslash before a quote does not end it: write paths with `/`" if "\\" in rest else ""
        return f"the string is not closed in this line{path}"
    meant = _QUOTES.get(character) or unicodedata.normalize("NFKC", character)
    typed = f": type {meant!r} with the keyboard set to English" if meant != character and meant.isascii() else ""
    return f"unexpected character {character!r}{typed}"


class _Parser:
    def __init__(self, tokens: Iterator[_Token]) -> None:
        self._tokens = tokens
        self._ahead = next(tokens)

    def message(self, closing: str, depth: int) -> Message:
        """Fields up to the closing mark, which is consumed; an empty `closing` stands for the end of the text."""
        if depth > MAX_DEPTH:
            raise self._peek().error(f"messages are nested deeper than {MAX_DEPTH}")
        fields: list[Field] = []
        while not self._at_end_of_message(closing):
            fields.extend(self._field(depth))
            if self._peek().text in {",", ";"} and self._peek().kind == "mark":
                self._take()
        return Message(fields)

    def _at_end_of_message(self, closing: str) -> bool:
        token = self._peek()
        if token.kind == "end":
            if closing:
                raise token.error(f"the text ends before the closing {closing!r}")
            return True
        if token.kind == "mark" and token.text == closing:
            self._take()
            return True
        return False

    def _field(self, depth: int) -> Iterator[Field]:
        name, line, column = self._name()
        colon = self._accept(":")
        if self._accept("["):
            while not self._accept("]"):
                yield Field(name, line, column, self._value(depth, colon=colon))
                self._accept(",")
            return
        yield Field(name, line, column, self._value(depth, colon=colon))

    def _name(self) -> tuple[str, int, int]:
        token = self._take()
        if token.kind == "word" and not token.text.startswith(("-", "+")):
            return token.text, token.line, token.column
        if token.kind == "mark" and token.text == "[":  # an extension or a google.protobuf.Any
            parts = []
            while (part := self._take()).text != "]":
                if part.kind not in {"word", "mark"} or part.text in {"{", "}", "<", ">", "["}:
                    raise part.error("the name of an extension is not closed by ']'")
                parts.append(part.text)
            return f"[{''.join(parts)}]", token.line, token.column
        raise token.error(f"a field name was expected, not {token.shown}")

    def _value(self, depth: int, *, colon: bool) -> str | Message:
        token = self._take()
        if token.kind == "mark" and token.text in _CLOSING:
            return self.message(_CLOSING[token.text], depth + 1)
        if not colon:
            raise token.error(f"':' or '{{' was expected before {token.shown}")
        if token.kind == "string":
            return self._string(token)
        if token.kind != "word":
            raise token.error(f"a value was expected, not {token.shown}")
        if token.text == "-":  # the sign may be separate from its number
            return "-" + self._take().text
        return token.text

    def _string(self, token: _Token) -> str:
        """A string literal and the adjacent ones, which the format concatenates."""
        parts = [_unescape(token)]
        while self._peek().kind == "string":
            parts.append(_unescape(self._take()))
        return b"".join(parts).decode("utf-8", errors="replace")

    def _peek(self) -> _Token:
        return self._ahead

    def _take(self) -> _Token:
        """Consumes the next token; the end token is never consumed."""
        token = self._ahead
        self._ahead = next(self._tokens, token)
        return token

    def _accept(self, mark: str) -> bool:
        token = self._peek()
        if token.kind == "mark" and token.text == mark:
            self._take()
            return True
        return False


def _unescape(token: _Token) -> bytes:
    """The bytes of a string literal: octal and hexadecimal escapes are bytes, Unicode escapes are code points."""

    def byte_of(match: re.Match[str]) -> bytes:
        octal, hexadecimal, short, long, character = match.groups()
        if octal or hexadecimal:
            return bytes([(int(octal, 8) if octal else int(hexadecimal, 16)) & 0xFF])
        if short or long:
            code = int(short or long, 16)
            if code > _MAX_CODE_POINT:
                raise token.error(f"{match.group()} is not a code point")
            return chr(code).encode("utf-8", errors="replace")
        return bytes([_NAMED_ESCAPES[character]]) if character in _NAMED_ESCAPES else character.encode()

    text, position = token.text[1:-1], 0
    parts: list[bytes] = []
    for match in _ESCAPE.finditer(text):
        parts += (text[position : match.start()].encode(), byte_of(match))
        position = match.end()
    return b"".join((*parts, text[position:].encode()))
