"""The reader of the text format: what it accepts, and which line it reports."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_image_build.pipeline_config.textproto import Message, TextprotoError, parse

ACCEPTED = {
    "": [],
    "# only a comment": [],
    "a: 1": [("a", "1")],
    "a:1 b:-2.5e+3,c:inf;d: true": [("a", "1"), ("b", "-2.5e+3"), ("c", "inf"), ("d", "true")],
    "a: - 1": [("a", "-1")],
    "a: 'x' \"y\"\n 'z'": [("a", "xyz")],
    r"a: 'it\'s \x41\102\n\u00e9'": [("a", "it's AB\né")],
    r"a: '\xe4\xbd\xa0'": [("a", "你")],
    "a: 'no # comment'": [("a", "no # comment")],
    "a: [1, 2]": [("a", "1"), ("a", "2")],
    "a: []": [],
    "a { b: 1 }": [("a", [("b", "1")])],
    "a: < b: 1 >": [("a", [("b", "1")])],
    "a [{b: 1}, {b: 2}]": [("a", [("b", "1")]), ("a", [("b", "2")])],
    "[some.ext/name] { b: 1 }": [("[some.ext/name]", [("b", "1")])],
    "a {} b {}": [("a", []), ("b", [])],
}

REFUSED = {
    "a": (1, "':' or '{'"),
    "a 1": (1, "':' or '{'"),
    "a:\n}": (2, "a value was expected"),
    "\n\na {\n b: 1\n": (5, "before the closing '}'"),
    "a { b: 1 >": (1, "a field name was expected"),
    "a: 'open\n'": (1, "not closed in this line"),
    "a: $": (1, "unexpected character '$'"),
    "}": (1, "a field name was expected"),
    "a: [1": (1, "a value was expected"),
    "[ext": (1, "not closed"),
    r"a: '\UFFFFFFFF'": (1, "not a code point"),
    "a {" * 100: (1, "nested deeper"),
}


def plain(message: Message) -> list:
    return [(name, plain(value) if isinstance(value, Message) else value) for name, _, _, value in message]


@pytest.mark.parametrize("text", ACCEPTED)
def test_reads(text):
    assert plain(parse(text)) == ACCEPTED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_refuses_with_the_line(text):
    line, words = REFUSED[text]
    with pytest.raises(TextprotoError) as caught:
        parse(text)
    assert caught.value.line == line
    assert words in str(caught.value)


@settings(deadline=None)
@given(st.text(alphabet="ab{}<>[]:,;'\"\\ \n#1-/x", max_size=60))
def test_any_text_is_read_or_refused_with_a_line_of_it(text):
    assert 1 <= line_of_refusal(text) <= text.count("\n") + 1


def line_of_refusal(text: str) -> int:
    """The reported line; 1 when the text is valid."""
    try:
        parse(text)
    except TextprotoError as error:
        return error.line
    return 1
