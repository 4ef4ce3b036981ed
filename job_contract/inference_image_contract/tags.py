"""Tags of an image: the content tag, and the templates of the spec."""

from collections.abc import Iterable

STEP, CONTENT_HASH = "{step}", "{contentHash}"
SHORT = 12
"""Hex digits of a content hash in a tag."""
_ALGORITHM = "sha256:"


def content_tag(content_hash: str) -> str:
    """The tag `content-<hex>`: an image is pushed under it before its test. It never moves to other content."""
    return "content-" + content_hash.removeprefix(_ALGORITHM)


def render(tags: Iterable[str], step: int | None, content_hash: str) -> tuple[str, ...]:
    """The tags with `{step}` and `{contentHash}` filled in, each once, in the order given.

    Without a step (an imported graph, a checkpoint that is named) no tag contains `{step}`: the API rejects that.
    """
    short = content_hash.removeprefix(_ALGORITHM)[:SHORT]
    return tuple(dict.fromkeys(tag.replace(STEP, str(step)).replace(CONTENT_HASH, short) for tag in tags))
