"""Patterns of COPY and ADD: the table was compared with `path.Match`. Those with `**` are .dockerignore's."""

import pytest

from inference_image_build.dockerfile import patterns


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.py", "a.py", True),
        ("*.py", "x/a.py", False),
        ("*/a.py", "x/a.py", True),
        ("a?c", "abc", True),
        ("a?c", "a/c", False),
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        ("[^a]", "/", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        ("[a.]b", ".b", True),
        ("a.b", "axb", False),
        ("**", "a/b", False),
        ("a**b", "axxb", True),
        ("a/**/b", "a/b", False),
        ("a/**/b", "a/x/b", True),
        ("[]", "a", None),
        ("[a", "a", None),
    ],
)
def test_patterns_match_as_in_go(pattern, path, matches):
    if matches is None:
        with pytest.raises(ValueError, match="bracket"):
            patterns.parse(pattern)
    else:
        assert patterns.matches(patterns.parse(pattern), path) is matches
