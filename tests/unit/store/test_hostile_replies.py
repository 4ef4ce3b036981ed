"""Replies of UFile, or of something in its place, that a parser could fall over."""

import pytest

from inference_image_store import errors
from inference_image_store.errors import ErrorReply


@pytest.mark.parametrize(
    "body",
    [
        b"", b"null", b"[]", b"\xff", b'{"RetCode": 1}', b'{"RetCode": 1e999, "ErrMsg": "m"}',
        b'{"RetCode": [], "ErrMsg": "m"}', b'{"RetCode": 1, "ErrMsg": ' + b"[" * 5000,
        b'{"RetCode": 1, "more": ' + b"[" * 2000 + b"]" * 2000 + b', "ErrMsg": "m"}',
        b'{"RetCode": ' + b"9" * 5000 + b', "ErrMsg": "m"}', b'{"RetCode": 1, "ErrMsg": "\\ud800"}', b" " * 70_000,
    ],
)  # fmt: skip
def test_an_unreadable_error_reply_has_its_status_alone(body):
    assert errors.parse(403, body) == ErrorReply(403)


def test_a_readable_one_has_code_and_words():
    assert str(errors.parse(403, b'{"RetCode": -148653, "ErrMsg": "no\\nx"}')) == "403 (RetCode -148653: no x)"
