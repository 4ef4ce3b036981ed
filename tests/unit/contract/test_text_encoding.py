"""Text files as editors and shells write them, and the place where another encoding begins."""

import codecs

import pytest

from inference_image_contract.text_encoding import EncodingError, decode, decode_utf8, without_mark

TEXT = "item { name: 'é标签' }\r\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_byte_order_mark_decides(encoding):
    assert decode(TEXT.encode(encoding)) == TEXT


def test_both_orders_of_utf_16_are_read():
    assert decode(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be")) == TEXT
    assert decode(codecs.BOM_UTF16_LE + TEXT.encode("utf-16-le")) == TEXT


def test_nothing_is_text():
    assert decode(b"") == decode_utf8(b"") == ""


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (TEXT.encode("utf-16"), 1, 1, "UTF-16, which PowerShell writes by default: save it as UTF-8"),
        (TEXT.encode("utf-32"), 1, 1, "UTF-32"),
        (b"a\nb\0", 2, 2, "UTF-16 without a byte order mark, or it is not a text file"),
        ("a\nbé".encode("latin-1"), 2, 2, "the byte 0xE9 here is not UTF-8"),
        ("标\n标\n".encode("gbk"), 1, 1, "GBK, Latin-1 or another one"),
        (codecs.BOM_UTF8 + "标 é".encode() + b"\xff", 1, 4, "0xFF"),
    ],
)
def test_another_encoding_has_a_place(data, line, column, words):
    with pytest.raises(EncodingError) as caught:
        decode_utf8(data)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.message


@pytest.mark.parametrize("data", [codecs.BOM_UTF16_LE + b"a", TEXT.encode("utf-32")])
def test_damaged_text_is_refused(data):
    with pytest.raises(EncodingError):
        decode(data)


def test_only_the_mark_of_utf_8_is_left_out():
    assert without_mark(codecs.BOM_UTF8 + b"a") == without_mark(b"a") == b"a"
    assert without_mark(codecs.BOM_UTF16_LE + b"a") == codecs.BOM_UTF16_LE + b"a"
