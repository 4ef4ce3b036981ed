"""The SHA-256 of ranges that are moved in any order."""

import hashlib
import itertools

import pytest

from inference_image_store.transfers.ordered_hash import OrderedHash

DATA = bytes(range(90))
RANGES = [(0, 40), (40, 70), (70, 90)]


def hashed(read=None) -> OrderedHash:
    return OrderedHash(read or (lambda start, length: DATA[start : start + length]), len(DATA))


@pytest.mark.parametrize("order", list(itertools.permutations(RANGES)), ids=str)
def test_the_last_range_completes_the_content(order):
    found = hashed()
    assert [found.moved(*span) for span in order] == [False, False, True]
    assert found.hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_what_has_not_been_moved_is_hashed_at_last():
    found = hashed()
    found.moved(40, 70)
    assert [found.hexdigest() for _ in range(2)] == [hashlib.sha256(DATA).hexdigest()] * 2


def test_ranges_of_a_second_attempt_do_not_count_twice():
    found = hashed()
    found.moved(0, 40)
    assert [found.moved(*span) for span in RANGES] == [False, False, True]
    assert found.hexdigest() == hashlib.sha256(DATA).hexdigest()


def test_each_byte_is_read_once():
    spans = []

    def read(start, length):
        spans.append((start, start + length))
        return DATA[start : start + length]

    found = hashed(read)
    for span in reversed(RANGES):
        found.moved(*span)
    found.hexdigest()
    assert spans == RANGES


def test_a_content_that_shrinks_is_an_error():
    with pytest.raises(OSError, match="shrank"):
        hashed(lambda *_: b"").moved(0, 40)


def test_an_empty_content_is_complete():
    assert OrderedHash(lambda *_: b"", 0).moved(0, 0)
