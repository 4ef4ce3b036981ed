"""Expands variables in a word of a Dockerfile as BuildKit's lexer does, which Kaniko uses too. Pure.

Rules: https://docs.docker.com/reference/dockerfile/#environment-replacement.
"""

import re
from collections.abc import Callable, Mapping

_NAME = re.compile(r"\d+|[@*#?$!-]|[^\W\d]\w*")
"""Letters, digits and `_`; a name that starts with a digit is a number, and the shell's special parameters count."""
_UNSET, _EMPTY = "is not allowed to be unset", "is not allowed to be empty"
MAX_ADDED = 16 * 1024
"""Characters that variables may add to a word. Each `ARG A1=$A0$A0` doubles a value."""
_MAX_DEPTH = 20
"""Substitutions within substitutions."""
_MAX_VALUE = 4096
"""Characters of a value that a pattern is compared with."""
_PATTERN_CHARACTERS = frozenset("[]{}.+()|^$")


def expand(word: str, variables: Mapping[str, str], *, escape: str = "\\", has_quotes: bool = True) -> str:
    """`word` without quotes and with its variables replaced; an unknown variable is empty.

    `escape` is the character of the directive of that name. Without `has_quotes`, quotes are ordinary characters, as in
    a heredoc.

    Raises ValueError for a malformed substitution, one that demands an error (`${NAME:?text}`), and a word that becomes
    too long or contains substitutions that are too deep.
    """
    return _Reader(word, variables, escape, has_quotes=has_quotes).until("")


class _Reader:
    """Reads a word from left to right."""

    def __init__(self, text: str, variables: Mapping[str, str], escape: str, *, has_quotes: bool) -> None:
        self._text = text
        self._variables = variables
        self._escape = escape
        self._raw_escapes = False
        self._at = 0
        self._depth = 0
        self._room = len(text) + MAX_ADDED
        self._special: dict[str, Callable[[], str]] = {"$": self._dollar}
        if has_quotes:
            self._special |= {"'": self._single, '"': self._double}

    def until(self, end: str, *, raw_escapes: bool = False) -> str:
        """The expansion up to the character `end`, which is read too; up to the end of the text if it is empty.

        With `raw_escapes`, escape characters stay: patterns have escapes of their own.
        """
        before, self._raw_escapes = self._raw_escapes, raw_escapes
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError(f"a word has substitutions more than {_MAX_DEPTH - 1} deep")
        found = []
        while (character := self._peek()) and character != end:
            if read := self._special.get(character):
                found.append(read())
            elif self._next() == self._escape:
                found.append((self._escape if self._raw_escapes else "") + self._next())
            else:
                found.append(character)
        if end and not self._next():
            raise self._malformed()
        self._raw_escapes = before
        self._depth -= 1
        return "".join(found)

    def _single(self) -> str:
        start = self._at
        end = self._text.find("'", start + 1)
        if end < 0:
            raise ValueError(f"the quote in {self._text!r} is not closed")
        self._at = end + 1
        return self._text[start + 1 : end]

    def _double(self) -> str:
        self._next()
        found: list[str] = []
        while (character := self._peek()) != '"':
            if not character:
                raise ValueError(f"the quote in {self._text!r} is not closed")
            if character == "$":
                found.append(self._dollar())
            elif self._next() == self._escape:
                found.append(self._escaped_in_quotes())
            else:
                found.append(character)
        self._next()
        return "".join(found)

    def _escaped_in_quotes(self) -> str:
        """Within double quotes, the escape character is an ordinary one unless it escapes something."""
        escaped = self._next() if self._peek() in {'"', "$", self._escape} else ""
        if not escaped:
            return self._escape * (2 if self._raw_escapes else 1)
        return (self._escape if self._raw_escapes else "") + escaped

    def _dollar(self) -> str:
        """What a `$` stands for. It counts against the room before the word is put together."""
        found = self._substitution()
        self._room -= len(found)
        if self._room < 0:
            raise ValueError(f"the variables of a word add more than {MAX_ADDED} characters")
        return found

    def _substitution(self) -> str:
        self._next()
        if self._peek() != "{":
            name = self._name()
            return self._variables.get(name, "") if name else "$"
        self._next()
        if self._peek() in {"", "{", "}", ":"}:
            raise self._malformed()
        name = self._name()
        operator = self._next()
        if operator == ":":
            operator += self._next()
        if operator == "}":
            return self._variables.get(name, "")
        if operator == "/":
            return self._replaced(name)
        if operator.lstrip(":") not in {"+", "-", "?", "#", "%"} or operator in {":#", ":%"}:
            raise self._malformed()
        word = self.until("}", raw_escapes=operator in {"#", "%"})
        return _substitute(name, operator, word, self._variables)

    def _replaced(self, name: str) -> str:
        """`${name/pattern/text}` replaces the first match, `${name//pattern/text}` every one."""
        every = self._peek() == "/"
        self._at += every
        pattern = _regular(_pieces(self.until("/", raw_escapes=True)), greedy=True)
        text = self.until("}", raw_escapes=True)
        value = _comparable(self._variables.get(name, ""))
        count = sum(1 for _ in re.finditer(pattern, value)) if every else 1
        if count * len(text) > self._room:
            raise ValueError(f"the variables of a word add more than {MAX_ADDED} characters")
        return re.sub(pattern, lambda _: text, value, count=0 if every else 1)

    def _name(self) -> str:
        found = _NAME.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _next(self) -> str:
        self._at += 1
        return self._text[self._at - 1 : self._at]

    def _malformed(self) -> ValueError:
        return ValueError(f"{self._text!r} has a substitution that Dockerfiles do not support")


def _substitute(name: str, operator: str, word: str, variables: Mapping[str, str]) -> str:
    """`${name-word}`, `+`, `?`; a colon makes an empty value count as unset. `#`, `##`, `%` and `%%` cut a pattern."""
    value = variables.get(name)
    is_set = bool(value) if operator.startswith(":") else value is not None
    match operator[-1]:
        case "-":
            return (value or "") if is_set else word
        case "+":
            return word if is_set else ""
        case "?":
            if not is_set:
                raise ValueError(f"{name}: {word or (_UNSET if value is None else _EMPTY)}")
            return value or ""
        case end:
            greedy = word.startswith(end)
            pattern = word[1:] if greedy else word
            return (
                _without_start(value or "", pattern, greedy)
                if end == "#"
                else _without_end(value or "", pattern, greedy)
            )


def _comparable(value: str) -> str:
    if len(value) > _MAX_VALUE:
        raise ValueError(f"a value of more than {_MAX_VALUE} characters cannot be compared with a pattern")
    return value


def _without_start(value: str, pattern: str, greedy: bool) -> str:  # noqa: FBT001
    found = re.match(_regular(_pieces(pattern), greedy=greedy), _comparable(value))
    return value[found.end() :] if found else value


def _without_end(value: str, pattern: str, greedy: bool) -> str:  # noqa: FBT001
    """Compares both backwards: the shortest match at the end is the shortest at the start of the reverse."""
    pieces = [piece[::-1] for piece in reversed(_pieces(pattern))]
    found = re.match(_regular(pieces, greedy=greedy), _comparable(value)[::-1])
    return value[: len(value) - found.end()] if found else value


def _regular(pieces: list[list[str]], *, greedy: bool) -> str:
    """Pieces with `*` between them as a regular expression, which reads a value once for each start of a match.

    The earliest place of a piece leaves the most to the later ones, so that no other place has to be tried.
    """
    first, *others = ("".join(piece) for piece in pieces)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    last = (".*" if greedy else ".*?") + others[-1] if others else ""
    return first + between + last


def _pieces(pattern: str) -> list[list[str]]:
    """The regular expressions of the characters between the `*` of a shell pattern. Brackets are characters too."""
    pieces: list[list[str]] = [[]]
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            pieces.append([])
        elif character == "?":
            pieces[-1].append(".")
        elif character == "\\":
            escaped = pattern[at : at + 1]
            if escaped in {"}", "/"}:
                continue
            if escaped not in {"*", "?", "\\"}:
                raise ValueError(f"the pattern {pattern!r} escapes {escaped!r}; only * ? and \\ can be escaped")
            pieces[-1].append(re.escape(escaped))
            at += 1
        else:
            pieces[-1].append("\\" + character if character in _PATTERN_CHARACTERS else character)
    return pieces
