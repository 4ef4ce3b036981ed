"""Which content tags are removed: a table of repositories."""

from datetime import UTC, datetime, timedelta

import pytest

from inference_image_build.publication.retention_rules import Image, Use, plan

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def images(text: str) -> list[Image]:
    """`f9`: unreferenced, nine days old; `t`agged, `h`istory, `c`urrent; `f?2`: of unknown age, step 2."""
    found = []
    for word in text.split():
        use = Use("fthc".index(word[0]))
        known = word[1] != "?"
        created = NOW - timedelta(days=float(word[1:])) if known else None
        found.append(Image(word, (f"tag-{word}",), use, created, -1 if known else int(word[2:])))
    return found


def run(text: str, keep: int, most: int = 0, *, delete_images: bool = False) -> tuple[str, str]:
    going = plan(images(text), keep=keep, most=most, delete_images=delete_images, now=NOW)
    return " ".join(image.digest for image in going.images), " ".join(tag[4:] for tag in going.tags)


@pytest.mark.parametrize(
    ("text", "keep", "tags"),
    [
        ("", 1, ""),
        ("f3 f9 f5", 9, ""),
        ("f3 f9 f5", 3, ""),
        ("f3 f9 f5", 1, "f9 f5"),
        ("f3 f9 f5", 0, "f9 f5 f3"),
        ("c9 h8 t7 f6 f5", 1, "f6"),
        ("f0.9 f0.5", 1, ""),
        ("f0.9 f0.5 f3", 1, "f3"),
        ("f?7 f?5 f3 f2", 2, "f?5 f?7"),
        ("f?7 f?5 f3 f2", 3, "f?5"),
    ],
)
def test_unreferenced_images_go_the_oldest_first(text, keep, tags):
    assert run(text, keep) == ("", tags)


@pytest.mark.parametrize(
    ("most", "tags"),
    [
        (0, ""),
        (9, ""),
        (8, "t5"),
        (7, "t5 t4"),
        (6, "t5 t4 f6"),
        (5, "t5 t4 f6 h9"),
        (4, "t5 t4 f6 h9 h3"),
        (3, "t5 t4 f6 h9 h3 f0.5"),
        (1, "t5 t4 f6 h9 h3 f0.5 f0.1"),
    ],
)
def test_above_the_limit_the_cheapest_tags_go_first(most, tags):
    """The image of `c` is never touched, however low the limit is."""
    assert run("t4 t5 f6 h3 h9 f0.5 f0.1 c8 c?1", 3, most) == ("", tags)


@pytest.mark.parametrize(
    ("text", "most", "gone"),
    [
        ("f9 f8 f?3", 0, ("f9", "f?3")),
        ("f9 f0.5 f0.2", 1, ("f9", "f0.5")),
        ("f9 t8 h7 c6", 1, ("f9", "t8 h7")),
    ],
)
def test_only_old_unreferenced_images_are_deleted(text, most, gone):
    assert run(text, 1, most, delete_images=True) == gone


def test_an_image_loses_all_its_content_tags():
    image = Image("d", ("a", "b"), Use.UNREFERENCED, NOW - timedelta(days=9))
    newer = Image("e", ("c",), Use.UNREFERENCED, NOW - timedelta(days=8))
    assert plan([newer, image], keep=1, most=0, delete_images=False, now=NOW).tags == ("a", "b")
    assert plan([image], keep=1, most=1, delete_images=False, now=NOW).tags == ("a", "b")
