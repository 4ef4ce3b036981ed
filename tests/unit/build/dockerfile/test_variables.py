"""Variables in a word of a Dockerfile."""

import pytest

from inference_image_build.dockerfile.variables import expand

VARIABLES = {"A": "1", "EMPTY": "", "LONG_name2": "x/y"}


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("plain:3.13-slim", "plain:3.13-slim"),
        ("$A", "1"),
        ("${A}", "1"),
        ("a${A}b$A-c", "a1b1-c"),
        ("${LONG_name2}:$A", "x/y:1"),
        ("$MISSING.", "."),
        ("${MISSING:-d}", "d"),
        ("${MISSING-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${A:+s}", "s"),
        ("${MISSING:+s}", ""),
        ("${EMPTY+s}", "s"),
        ("${A:?must}", "1"),
        ("${MISSING:-$A}", "1"),
        ('"quoted $A"', "quoted 1"),
        ("'single $A'", "single $A"),
        (r"\$A", "$A"),
        ("$", "$"),
        ("", ""),
    ],
)
def test_expands(word, expanded):
    assert expand(word, VARIABLES) == expanded


@pytest.mark.parametrize("word", ["${}", "${A", "${A!x}", "${A##x}", "${MISSING:?must be set}"])
def test_refuses(word):
    with pytest.raises(ValueError, match=r"must be set|not a substitution"):
        expand(word, VARIABLES)
