"""The reader of JSON that others wrote."""

import msgspec
import pytest

from inference_image_contract import untrusted_json
from inference_image_contract.untrusted_json import UntrustedJsonError


class Kind(msgspec.Struct):
    name: str = ""


def read(data, kind=None, **limits):
    limits = {"max_bytes": 1 << 22} | limits
    return untrusted_json.read(data, **limits) if kind is None else untrusted_json.read(data, kind, **limits)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, "x", null]}', {"a": [1, "x", None]}),
        (b"\xef\xbb\xbf{}", {}),
        (b'"' + b"[" * 500 + b'"', "[" * 500),  # brackets in a string are not levels
        (b'"\\"' + b"{" * 500 + b'\\\\"', '"' + "{" * 500 + "\\"),
        (b"[" + b"[]," * 500 + b"[]]", [[]] * 501),  # beside one another
    ],
)
def test_json_is_read(data, value):
    assert read(data) == value


def test_a_type_is_checked_and_unknown_fields_are_ignored():
    assert read(b'{"name": "n", "more": [[1]]}', Kind) == Kind("n")
    with pytest.raises(UntrustedJsonError, match="Expected `str`"):
        read(b'{"name": 1}', Kind)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"nul", b"\xff", b"\0", b"{}x", b'{"a":', b"NaN", b"Infinity", b"1e999", b"9" * 5000,
        b'"\\ud800"', '{"a": 1}'.encode("utf-16"), b"[1,]", b'"' + b"\\" * 999,
    ],
)  # fmt: skip
def test_everything_else_is_one_error(data):
    with pytest.raises(UntrustedJsonError):
        read(data)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"a":[', b"[" * 7 + b'{"":'])
@pytest.mark.parametrize("kind", [None, Kind])
def test_depth_is_counted_before_anything_is_parsed(opening, kind):
    """Unclosed, so that only a count can tell; closed, a parser would reach the end of its stack."""
    for data in (opening * 33, opening * 50_000, b'{"more":' + opening * 5000):
        with pytest.raises(UntrustedJsonError, match="nested more than 32 deep"):
            read(data, kind)


def test_size_is_limited():
    with pytest.raises(UntrustedJsonError, match="it has 11 bytes; the limit is 10"):
        read(b'"' + b"a" * 9 + b'"', max_bytes=10)
