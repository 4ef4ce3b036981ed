"""Decodes the text files that people bring: UTF-8 with or without a byte order mark, or UTF-16 with one. Pure."""

import codecs

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class EncodingError(ValueError):
    """The bytes are in another encoding; `line` and `column` count from 1, `message` is a clause."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column
        self.message = message


def decode(data: bytes) -> str:
    """The text by its byte order mark, which is left out; UTF-8 without one.

    Windows editors write UTF-8 with a mark, and PowerShell's `>` writes UTF-16. Raises EncodingError.
    """
    if data.startswith(_UTF16) and not data.startswith(_UTF32):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise EncodingError(1, 1, "the file is damaged: it begins like UTF-16, but is not") from error
    return decode_utf8(data)


def decode_utf8(data: bytes) -> str:
    """The text, without a byte order mark; for a file that others read as UTF-8 later. Raises EncodingError."""
    if data.startswith(_UTF32):
        raise EncodingError(1, 1, _other("UTF-32"))
    if data.startswith(_UTF16):
        raise EncodingError(1, 1, _other("UTF-16, which PowerShell writes by default"))
    if b"\0" in data:
        line, column = _place(data[: data.index(0)])
        raise EncodingError(line, column, _other("UTF-16 without a byte order mark, or it is not a text file"))
    plain = without_mark(data)
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(plain[: error.start])
        what = f"the byte 0x{plain[error.start]:02X} here is not UTF-8; {_other('GBK, Latin-1 or another one')}"
        raise EncodingError(line, column, what) from error


def without_mark(data: bytes) -> bytes:
    """The bytes without the byte order mark of UTF-8."""
    return data.removeprefix(codecs.BOM_UTF8)


def _other(encoding: str) -> str:
    return f"the encoding of the file is {encoding}: save it as UTF-8"


def _place(before: bytes) -> tuple[int, int]:
    text = before.decode("utf-8", errors="replace")
    return text.count("\n") + 1, len(text) - text.rfind("\n")
