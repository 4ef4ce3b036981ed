"""The modes of --chmod, in numbers and letters."""

import pytest

from inference_image_build.dockerfile.modes import applied, fault, octal


@pytest.mark.parametrize(
    ("text", "before", "is_folder", "after"),
    [
        ("755", 0o644, False, 0o755),
        ("04755", 0o644, False, 0o4755),
        ("u=rwX,go=rX", 0o644, False, 0o644),
        ("u=rwX,go=rX", 0o700, False, 0o755),
        ("u=rwX,go=rX", 0o700, True, 0o755),
        ("+x", 0o644, False, 0o755),
        ("a-w", 0o664, False, 0o444),
        ("g=u,o=", 0o640, False, 0o660),
        ("u+s,g+s", 0o755, False, 0o6755),
        ("u+x-w", 0o644, False, 0o544),
        ("+t", 0o755, True, 0o1755),
        ("u=rx", 0o4755, False, 0o555),
        ("=r", 0o777, False, 0o444),
    ],
)
def test_a_mode_after_a_change(text, before, is_folder, after):
    assert fault(text) == ""
    assert oct(applied(text, before, is_folder=is_folder)) == oct(after)


@pytest.mark.parametrize("text", ["888", "10000", "u", "u=q", "rwx", "u+x;g+x", " "])
def test_what_is_no_mode(text):
    assert "letters such as" in fault(text)


def test_only_a_number_is_octal():
    assert (octal("0755"), octal("u+x"), octal("7777"), octal("17777")) == (0o755, None, 0o7777, None)
