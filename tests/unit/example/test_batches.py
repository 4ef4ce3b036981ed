"""Which pictures go through the detector together."""

import pytest

from batches import equal, portions


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        ({}, []),
        ({0: 5}, [[0]]),
        ({0: 4, 1: 4, 2: 2}, [[0, 1, 2]]),
        ({0: 4, 1: 7, 2: 3}, [[0], [1, 2]]),
        ({0: 99, 1: 1}, [[0], [1]]),
        ({3: 1, 7: 99, 8: 1, 9: 1}, [[3], [7], [8, 9]]),
    ],
    ids=["none", "one", "exactly full", "one too many", "too large for any portion", "large in the middle"],
)
def test_portions_hold_ten_pixels_or_one_picture(pixels, expected):
    assert portions(pixels, 10) == expected


@pytest.mark.parametrize(
    ("sizes", "most", "expected"),
    [
        ({}, None, []),
        ({0: "a", 1: "b", 2: "a"}, None, [[0, 2], [1]]),
        ({0: "a", 1: "a", 2: "a"}, 2, [[0, 1], [2]]),
        ({0: "a", 1: "a"}, 1, [[0], [1]]),
    ],
    ids=["none", "two sizes", "two at a time", "one at a time"],
)
def test_only_equal_sizes_go_together(sizes, most, expected):
    assert equal(sizes, most) == expected
