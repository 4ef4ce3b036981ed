"""Report and publish against a real registry: which digest counts, and how tags move."""

import pytest

from inference_image_build.steps.publish import publish
from inference_image_build.steps.report import report
from inference_image_contract import inputs
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.results import MovedTag

TAG = "content-" + "a" * 64


@pytest.fixture
def ask(registry, repository, tmp_path):
    """ask() -> the report on the content tag, with the digest file of this test."""
    step_input = inputs.ReportInput(registry=inputs.Registry(repository=repository.repository), content_tag=TAG)
    return lambda: report(step_input, registry, tmp_path / "digest")


@pytest.fixture
def pushed(registry_server, repository) -> str:
    """The digest of an image under the content tag."""
    return registry_server.push_image(repository.path, TAG, b"x" * 100)


@pytest.mark.parametrize("written", [None, "{digest}", "{digest}\n"], ids=["no file", "the digest", "with a line end"])
def test_the_registrys_digest_is_reported(ask, pushed, tmp_path, written):
    if written is not None:
        (tmp_path / "digest").write_text(written.format(digest=pushed))
    built = ask()
    assert (built.digest, built.size) == (pushed, 100 + len(b'{"architecture":"amd64","os":"linux"}'))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("sha256:" + "0" * 64, "does not serve it"),
        ("", "without a sha256 digest"),
        ("sha256:" + "0" * 63, "without a sha256 digest"),
        ("md5:" + "0" * 64, "without a sha256 digest"),
        (("sha256:" + "0" * 64 + "\n") * 1000, "without a sha256 digest"),
    ],
    ids=["another", "empty", "short", "other algorithm", "oversized"],
)
def test_an_invalid_digest_file_is_refused(ask, pushed, tmp_path, written, words):
    (tmp_path / "digest").write_text(written)
    with pytest.raises(StageError, match=words) as caught:
        ask()
    assert caught.value.reason == Reason.DIGEST_INVALID


def test_concurrent_builds_of_one_content_each_report_their_image(ask, pushed, registry_server, repository, tmp_path):
    (tmp_path / "digest").write_text(pushed)
    other = registry_server.push_image(repository.path, TAG, b"y" * 100)
    assert other != pushed
    assert ask().digest == pushed


def test_an_unfinished_push_is_no_image(ask, repository, tmp_path):
    (tmp_path / "digest").write_text("sha256:" + "0" * 64)
    with pytest.raises(StageError, match="does not serve") as caught:
        ask()
    assert caught.value.reason == Reason.DIGEST_INVALID


@pytest.fixture
def move(registry, repository):
    """move(digest, *tags) -> the result of publish."""

    def run(digest: str, *tags: str):
        allowed = inputs.Registry(repository=repository.repository)
        return publish(inputs.PublishInput(registry=allowed, digest=digest, tags=tags), registry)

    return run


def test_moved_tags_report_their_previous_digest(move, registry_server, repository):
    old = registry_server.push_image(repository.path, "test", b"old")
    new = registry_server.push_image(repository.path, "", b"newer")
    result = move(new, "test", "v1")
    assert result.tags == (MovedTag(tag="test", previous=old), MovedTag(tag="v1", previous=""))
    assert (result.digest, registry_server.digest(repository.path, "test")) == (new, new)
    assert registry_server.digest(repository.path, "v1") == new
    assert result.size == len(b"newer") + len(b'{"architecture":"amd64","os":"linux"}')


def test_moving_twice_changes_nothing(move, registry_server, repository):
    digest = registry_server.push_image(repository.path, "")
    move(digest, "test")
    assert move(digest, "test").tags == (MovedTag(tag="test", previous=digest),)


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:12", "latest", ""])
def test_an_image_that_the_registry_does_not_serve_is_not_published(move, registry_server, repository, digest):
    registry_server.push_image(repository.path, "latest")
    with pytest.raises(StageError) as caught:
        move(digest, "test")
    assert caught.value.reason == Reason.DIGEST_INVALID
    assert registry_server.digest(repository.path, "test") == ""


def test_a_tag_that_moves_away_is_noticed(move, registry_server, registry, repository, monkeypatch):
    """Something else moves the tag between the write and the read."""
    other = registry_server.push_image(repository.path, "other", b"other")
    digest = registry_server.push_image(repository.path, "")
    put = registry.put_manifest

    def put_and_lose(image, tag, manifest):
        put(image, tag, manifest)
        put(image, tag, registry.manifest(image, "other"))

    monkeypatch.setattr(registry, "put_manifest", put_and_lose)
    with pytest.raises(StageError) as caught:
        move(digest, "test")
    assert caught.value.reason == Reason.PUBLISH_FAILED
    assert other in caught.value.message
    assert "requestedAt" in caught.value.hint
