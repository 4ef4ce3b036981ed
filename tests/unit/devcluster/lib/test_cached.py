"""Directories of the cache: never partial, one for each set of inputs, removed when nobody uses them."""

import os

import pytest

from devcluster.lib import cached


def test_a_key_depends_on_contents_names_and_words(tmp_path):
    drawing, copy, other = (tmp_path / name for name in ("drawing", "copy", "other"))
    for path, text in ((drawing, "before"), (copy, "before"), (other, "after")):
        path.write_text(text)
    key = cached.key({"shapes.py": drawing})
    assert cached.key({"shapes.py": copy}) == key
    others = ({"shapes.py": other}, ()), ({"train.py": drawing}, ()), ({"shapes.py": drawing}, ("tutorial",))
    assert len({key, *(cached.key(inputs, *words) for inputs, words in others)}) == 4


def fill(target, text: str, *folders: str) -> None:
    with cached.fill(target) as scratch:
        for folder in folders or ("result",):
            (scratch / folder).mkdir()
        (scratch / "result" / "file").write_text(text)


def test_a_failed_fill_leaves_nothing(tmp_path):
    with pytest.raises(FileExistsError):
        fill(tmp_path / "cache" / "key", "", "result", "result")
    assert not cached.is_filled(tmp_path / "cache" / "key")
    assert list((tmp_path / "cache").iterdir()) == []


def test_the_first_of_two_fills_stays(tmp_path):
    target = tmp_path / "key"
    fill(target, "first")
    fill(target, "second")
    assert (target / "file").read_text() == "first"


def test_only_what_nobody_uses_is_removed(tmp_path):
    used, unused = tmp_path / "used", tmp_path / "unused"
    for target in (used, unused):
        fill(target, "")
        assert cached.is_filled(target)
    os.utime(tmp_path / ".used.used", (1 << 33, 1 << 33))  # in the future: younger than any limit below 0
    assert cached.remove_unused([tmp_path], -60) == [unused]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".used.used", "used"]
