"""The modes of `--chmod`: octal numbers, and letters as for chmod(1), which BuildKit takes too. Pure."""

import re

ALL = 0o7777
SPECIAL = 0o7000
"""The bits setuid, setgid and sticky."""
_OCTAL = re.compile(r"[0-7]+")
_CLAUSE = re.compile(r"([ugoa]*)((?:[-+=][rwxXstugo]*)+)")
_ACTION = re.compile(r"([-+=])([rwxXstugo]*)")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}


def octal(text: str) -> int | None:
    """The number, if it is an octal one that is a mode."""
    return int(text, 8) if _OCTAL.fullmatch(text) and int(text, 8) <= ALL else None


def fault(text: str) -> str:
    """What is wrong with a mode, as a clause; empty when nothing is."""
    if octal(text) is not None or all(_CLAUSE.fullmatch(clause) for clause in text.split(",")):
        return ""
    return f"--chmod takes an octal number up to 7777, or letters such as u=rwX,go=rX, not {text!r}"


def applied(text: str, mode: int, *, is_folder: bool) -> int:
    """The mode of a file or folder that had `mode` before. `fault` has accepted the text."""
    number = octal(text)
    if number is not None:
        return number
    for clause in text.split(","):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise ValueError(fault(text))
        who = "".join(_SHIFTS) if not match[1] or "a" in match[1] else match[1]
        for operator, letters in _ACTION.findall(match[2]):
            bits, special = _wanted(who, letters, mode, is_folder=is_folder, is_for_all=not match[1] or "a" in match[1])
            if operator == "+":
                mode |= bits | special
            elif operator == "-":
                mode &= ~(bits | special)
            else:
                kept = sum(7 << shift for name, shift in _SHIFTS.items() if name not in who)
                mode = (mode & (kept | SPECIAL & ~_special_of(who))) | bits | special
    return mode


def _wanted(who: str, letters: str, mode: int, *, is_folder: bool, is_for_all: bool) -> tuple[int, int]:
    """The permission bits and the special bits that the letters stand for."""
    value = 0
    for letter in letters:
        if letter in _BITS:
            value |= _BITS[letter]
        elif letter == "X" and (is_folder or mode & 0o111):
            value |= _BITS["x"]
        elif letter in _SHIFTS:
            value |= mode >> _SHIFTS[letter] & 7
    special = _special_of(who) if "s" in letters else 0
    if "t" in letters and (is_for_all or "o" in who):
        special |= 0o1000
    return sum(value << _SHIFTS[name] for name in set(who)), special


def _special_of(who: str) -> int:
    return (0o4000 if "u" in who else 0) | (0o2000 if "g" in who else 0)
