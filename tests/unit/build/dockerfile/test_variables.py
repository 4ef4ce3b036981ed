"""Variables in a word of a Dockerfile."""

import pytest

from inference_image_build.dockerfile.variables import expand

VARIABLES = {"A": "1", "EMPTY": "", "LONG_name2": "x/y", "FILE": "/a/b/c.tar.gz", "TEXT": "foo bar foo"}


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
        ("${MISSING:-${EMPTY:-deep}}", "deep"),
        ("${MISSING:-'a b'}", "a b"),
        ("${FILE##*/}", "c.tar.gz"),
        ("${FILE#*/}", "a/b/c.tar.gz"),
        ("${FILE%.*}", "/a/b/c.tar"),
        ("${FILE%%.*}", "/a/b/c"),
        ("${TEXT/o/0}", "f0o bar foo"),
        ("${TEXT//o/0}", "f00 bar f00"),
        ("${TEXT/b?r/-}", "foo - foo"),
        (r"${TEXT/\?/x}", "foo bar foo"),
        ('"a\\"b\\n$A"', r'a"b\n1'),
        ("$", "$"),
        ("", ""),
    ],
)
def test_expands(word, expanded):
    assert expand(word, VARIABLES) == expanded


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("${}", "a substitution"),
        ("${A", "a substitution"),
        ("${A!x}", "a substitution"),
        ("${A:#x}", "a substitution"),
        ("${A/x}", "a substitution"),
        (r"${A#\x}", "escapes 'x'"),
        ("${MISSING:?must be set}", "MISSING: must be set"),
        ("${MISSING?}", "MISSING: is not allowed to be unset"),
        ("'open", "not closed"),
        ('"open', "not closed"),
    ],
)
def test_refuses(word, why):
    with pytest.raises(ValueError, match=why):
        expand(word, VARIABLES)


def test_the_escape_character_is_the_one_of_the_directive():
    assert expand(r"C:\dir`$A", VARIABLES, escape="`") == r"C:\dir$A"


def test_quotes_are_ordinary_characters_in_a_heredoc():
    assert expand("""it's "$A" \\$A '$A'""", VARIABLES, has_quotes=False) == """it's "1" $A '1'"""
