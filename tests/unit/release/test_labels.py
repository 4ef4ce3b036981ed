"""The labels of the images: those of the Dockerfiles, and those of a release."""

import json
from pathlib import Path

import pytest

import dockerfile
from release import catalog, labels, source
from release.devtools import IMAGES, Image
from release.errors import ReleaseError

ROOT = Path(__file__).parents[3]
PREFIX = "org.opencontainers.image."


def stage_labels(image: Image) -> dict[str, str]:
    """The labels that the Dockerfile sets in the image's own stage."""
    found: dict[str, dict[str, str]] = {}
    name = ""
    for command in dockerfile.parse_string((ROOT / image.dockerfile).read_text()):
        if command.cmd.lower() == "from":
            name = command.value[-1]
            found[name] = {}
        elif command.cmd.lower() == "label":
            words = [json.loads(word) if word.startswith('"') else word for word in command.value]
            found[name] |= dict(zip(words[::2], words[1::2], strict=True))
    return found[image.target or name]


@pytest.mark.parametrize("image", IMAGES, ids=lambda image: image.name)
def test_each_dockerfile_says_what_its_image_is(image: Image) -> None:
    found = stage_labels(image)
    assert found.keys() == {PREFIX + name for name in ("title", "description", "licenses")}
    assert found[PREFIX + "licenses"] == "Apache-2.0"
    repository = catalog.REPOSITORIES.get(image.name, image.name)
    assert repository.startswith(found[PREFIX + "title"])


def test_a_release_adds_what_it_is_made_from() -> None:
    assert labels.labels("1.2.3", "abc", "https://example.com/team/project") == {
        PREFIX + "version": "1.2.3",
        PREFIX + "revision": "abc",
        PREFIX + "source": "https://example.com/team/project",
    }


def test_what_is_not_known_is_left_out() -> None:
    assert labels.labels("1.2.3", "", "") == {PREFIX + "version": "1.2.3"}


@pytest.mark.parametrize("address", ["", "https://example.com/team/project", "http://localhost:8080/p"])
def test_an_address_of_a_repository(address: str) -> None:
    assert labels.check_source(address) == address


@pytest.mark.parametrize(
    "address", ["git@example.com:p", "/srv/p", "file:///srv/p", "https://", "https://x:secret@h/p"]
)
def test_another_address_is_refused_and_no_password_is_repeated(address: str) -> None:
    with pytest.raises(ReleaseError, match="is not the web address of a repository") as refused:
        labels.check_source(address)
    assert "secret" not in str(refused.value)


def test_a_changed_or_added_file_has_no_revision(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(source, "REPOSITORY", tmp_path)
    assert source.revision() == ""  # outside of Git
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), (*who, "commit", "--quiet", "--allow-empty", "--message=x")):
        source.run(["git", *words], cwd=tmp_path)
    assert source.revision() == source.run(["git", "rev-parse", "HEAD"], cwd=tmp_path).strip()
    (tmp_path / "added.py").touch()
    assert source.revision() == ""


@pytest.mark.parametrize("base", ["oci:/srv/base", f"python@sha256:{'a' * 64}"])
def test_a_base_that_cannot_change(base: str) -> None:
    catalog.require_pinned(base)


@pytest.mark.parametrize("base", ["", "python:3.13-slim", "python@sha256:abc"])
def test_a_base_that_moves_is_refused(base: str) -> None:
    with pytest.raises(ReleaseError, match=r"a base that cannot change\. Write BASE_IMAGE=python@sha256:"):
        catalog.require_pinned(base)
