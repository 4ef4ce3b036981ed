"""Path patterns: Go's `path.Match` for COPY and ADD, and moby's with `**` for .dockerignore. Pure.

Matching tracks sets of positions instead of backtracking, so its time is at most pattern length times path length. A
pattern remembers which set follows which, for the next path. `Work` limits what many patterns and many paths cost
together.
"""

from typing import NamedTuple, Self

_WILDCARDS = frozenset("*?[]\\")
_EMPTY = frozenset({"many", "folders", "rest"})
"""Tokens that may match nothing."""
_MAX_SET = 256
"""Characters and ranges within brackets."""
MAX_STEPS = 10_000_000
"""Steps of `Work`, at most about 5 s. Fifty patterns with `**` and 2,000 files whose paths have 50 characters take as
many, in a tenth of that time."""


class TooMuchWork(ValueError):  # noqa: N818 - it says what is wrong with the patterns
    """Patterns and paths cost more than `MAX_STEPS` together."""


class Work:
    """Counts the steps of several matches."""

    def __init__(self, most: int = MAX_STEPS) -> None:
        self._left = most

    def spend(self, steps: int) -> None:
        """Raises TooMuchWork when the steps are used up."""
        self._left -= steps
        if self._left < 0:
            raise TooMuchWork("its patterns take too long to compare with so many paths")


class _Token(NamedTuple):
    """One element of a pattern: a character or a wildcard."""

    kind: str
    """`char`, `one` (?), `many` (*), `set` ([a-z]), `others` ([^a-z]), `folders` (`**/`, or nothing), `rest` (all)."""
    text: str = ""
    """The character; for a set, the first and last character of each range in turn."""


class _State:
    """Positions in a pattern, and the states that follow each character.

    A position is the index of the next token; `~index` is inside `folders`, which only a slash ends.
    """

    __slots__ = ("following", "positions")

    def __init__(self, positions: frozenset[int]) -> None:
        self.positions = positions
        self.following: dict[str, Self] = {}


class Pattern:
    """The tokens of a pattern, and the states of the matches so far: not more than in proportion to its length."""

    def __init__(self, tokens: tuple[_Token, ...]) -> None:
        self.tokens = tokens
        self._most = 2 * len(tokens) + 64
        self._states: dict[frozenset[int], _State] = {}
        self._forget()

    def _forget(self) -> None:
        for state in self._states.values():
            state.following.clear()  # they hold one another: only the garbage collector would find them
        self._states.clear()
        self._kept = 0
        self.first = self._state(_skip(self.tokens, {0}))

    def after(self, state: _State, character: str) -> _State:
        """The state after one more character of the path."""
        if self._kept > self._most:
            self._forget()
        moved = {after for at in state.positions for after in _after(self.tokens, at, character)}
        found = self._state(_skip(self.tokens, moved))
        state.following[character] = found
        return found

    def _state(self, positions: set[int]) -> _State:
        key = frozenset(positions)
        if key not in self._states:
            self._states[key] = _State(key)
            self._kept += len(key)
        return self._states[key]


def is_pattern(path: str) -> bool:
    """Whether a path contains wildcards."""
    return any(character in path for character in "*?[")


def parse(pattern: str, *, folders: bool = False) -> Pattern:
    """Parses the pattern of a whole path; with `folders`, `**` matches any number of folders.

    Rules: https://pkg.go.dev/path#Match, and `patternmatcher` of moby for `folders`. Raises ValueError with a sentence.
    """
    found: list[_Token] = []
    at = 0
    while at < len(pattern):
        if folders and pattern.startswith("**", at):
            end = at + (3 if pattern.startswith("**/", at) else 2)
            # In moby, `**a` means "ends in a", but only if no other wildcard follows.
            ending = at == 0 and end == 2 and not _WILDCARDS.intersection(pattern[end:])  # noqa: PLR2004 - of `**`
            _add(found, _Token("rest" if ending or end == len(pattern) else "folders"))
        elif pattern[at] == "[":
            end, token = _set(pattern, at)
            found.append(token)
        elif pattern[at] == "\\":
            if at + 1 == len(pattern):
                raise ValueError(f"the backslash at the end of {pattern!r} escapes nothing")
            end = at + 2
            found.append(_Token("char", pattern[at + 1]))
        else:
            end = at + 1
            _add(found, _Token({"*": "many", "?": "one"}.get(pattern[at], "char"), pattern[at]))
        at = end
    return Pattern(tuple(found))


def _add(found: list[_Token], token: _Token) -> None:
    """Adds a token. The same wildcard again matches nothing more."""
    if not (token.kind in _EMPTY and found and found[-1].kind == token.kind):
        found.append(token)


def matches(pattern: Pattern, path: str, *, below: bool = False, work: Work | None = None) -> bool:
    """Whether the pattern matches the whole path, or, with `below`, the path of one of its parent folders.

    Raises TooMuchWork when `work` is used up.
    """
    end = len(pattern.tokens)
    state = pattern.first
    for character in path:
        if below and character == "/" and end in state.positions:
            return True
        if work:
            work.spend(len(state.positions))
        state = state.following.get(character) or pattern.after(state, character)
        if not state.positions:
            return False
    return end in state.positions


def _set(pattern: str, start: int) -> tuple[int, _Token]:
    """The `[...]` that begins at `start`, and where it ends."""
    at = start + 1
    kind = "others" if pattern.startswith("^", at) else "set"
    at += kind == "others"
    ranges = ""
    while at < len(pattern) and pattern[at] != "]":
        at, first = _literal(pattern, at)
        last = first
        if pattern.startswith("-", at) and not pattern.startswith("]", at + 1):
            at, last = _literal(pattern, at + 1)
        if last < first:
            raise ValueError(f"the range {first}-{last} in {pattern!r} is reversed")
        ranges += first + last
        if len(ranges) > 2 * _MAX_SET:
            raise ValueError(f"a bracket lists more than {_MAX_SET} characters")
    if at >= len(pattern) or not ranges:
        raise ValueError(f"the bracket in {pattern!r} is empty or not closed")
    return at + 1, _Token(kind, ranges)


def _literal(pattern: str, at: int) -> tuple[int, str]:
    """One character within brackets, and where the next begins."""
    at += pattern.startswith("\\", at)
    if at >= len(pattern):
        raise ValueError(f"the bracket in {pattern!r} is not closed")
    return at + 1, pattern[at]


def _skip(tokens: tuple[_Token, ...], positions: set[int]) -> set[int]:
    """These positions, and those after tokens that may match nothing."""
    found = set(positions)
    for start in positions:
        at = start
        while 0 <= at < len(tokens) and tokens[at].kind in _EMPTY:
            at += 1
            found.add(at)
    return found


def _after(tokens: tuple[_Token, ...], at: int, character: str) -> tuple[int, ...]:
    """The positions after one more character of the path."""
    index = max(at, ~at)
    if index == len(tokens):
        return ()
    kind, text = tokens[index]
    if kind == "rest":
        return (at,)
    if kind == "folders":
        return (~index, index + 1) if character == "/" else (~index,)
    if kind == "many":
        return (at,) if character != "/" else ()
    return (at + 1,) if _fits(kind, text, character) else ()


def _fits(kind: str, text: str, character: str) -> bool:
    if kind == "one":
        return character != "/"
    if kind == "char":
        return character == text
    inside = any(first <= character <= last for first, last in zip(text[::2], text[1::2], strict=True))
    return inside == (kind == "set")
