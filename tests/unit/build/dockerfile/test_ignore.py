"""What .dockerignore excludes, by moby's patternmatcher 0.6: the table was compared with the original."""

import pytest

from inference_image_build.dockerfile import ignore
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def ignored(text: str, path: str) -> bool:
    return ignore.ignores(ignore.parse(text.encode(), ".dockerignore"), path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", "a"),
        ("a", "a/b/c"),
        ("/a", "a/b"),
        ("./a/", "a/b"),
        ("/../a", "a"),
        ("  a  ", "a"),
        ("a\r\nb\r\n", "b"),
        ("\ufeffa", "a"),
        ("*", "a/b"),
        ("*.md", "README.md"),
        ("*/temp*", "sub/temporary.txt"),
        ("*/*/temp*", "sub/sub/temp"),
        ("temp?", "tempa"),
        ("**", "a/b/c"),
        ("**/*.pyc", "a.pyc"),
        ("**/*.pyc", "code/deep/a.pyc"),
        ("**/b", "b"),
        ("**/b", "a/b/c"),
        ("**b", "a/xb"),
        ("a/**", "a/b/c"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("a**", "abc/d"),
        ("[a-c].py", "b.py"),
        ("[^a]", "b"),
        ("[+-]", "-"),
        ("\\*", "*"),
        ("a.b", "a.b"),
        ("*\n!keep\nkeep/not", "keep/not/this"),
        ("!a\na", "a"),
        ("x\n#x", "x"),
        ("#a\n #b", "#b"),
    ],
)
def test_a_rule_excludes_a_file(text, path):
    assert ignored(text, path)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", "a"),
        ("a", "b/a"),
        ("a", "ab"),
        ("*.md", "docs/README.md"),
        ("*/temp*", "temp"),
        ("temp?", "temp"),
        ("temp?", "temp/"),
        ("**/b", "ab"),
        ("a/**", "a"),
        ("a/**/b", "a/xb"),
        ("a.b", "axb"),
        ("[a-c].py", "d.py"),
        ("\\*", "a"),
        ("#a", "a"),
        ("*\n!keep", "keep"),
        ("*\n!keep", "keep/all/of/it"),
        ("*\n!**/*.py", "code/a.py"),
        ("**/*.pb\n!code/model.pb", "code/model.pb"),
        ("docs\n!docs/README.md", "docs/README.md"),
        (".", "a"),
        ("../a", "a"),
        ("/", "a"),
    ],
)
def test_other_files_are_kept(text, path):
    assert not ignored(text, path)


@pytest.mark.parametrize(
    ("data", "line", "clause"),
    [
        (b"a\n!\n", 2, "must follow '!'"),
        (b"# x\n[a\n", 2, "not closed"),
        (b"[]\n", 1, "empty or not closed"),
        (b"[b-a]\n", 1, "reversed"),
        (b"[a-", 1, "not closed"),
        (b"a\\", 1, "escapes nothing"),
        (b"a\n\xff\n", 2, "not UTF-8"),
        (b"#" * 70_000, 1, "more than 65536 bytes"),
    ],
)
def test_an_invalid_line_is_named(data, line, clause):
    with pytest.raises(StageError, match=clause) as caught:
        ignore.parse(data, "x.dockerignore")
    assert caught.value.reason == Reason.DOCKERIGNORE_INVALID
    assert f"x.dockerignore, line {line}" in caught.value.message


def test_a_pattern_that_would_backtrack_is_fast():
    """As a backtracking regular expression, this pattern would practically never end."""
    assert not ignored("*a" * 60 + "b", "a" * 255)
