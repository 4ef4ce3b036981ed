"""Retention against a real registry: it removes content tags by the rules, and keeps images and the tags of users."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from inference_image_build.publication import existing_image, retention
from inference_image_build.registry.client import MANIFEST_TYPES
from inference_image_contract.inputs import Retention
from tests.support.registries.docker_registry import htpasswd, serve_registry

PUBLISHED = "sha256:" + "0" * 64


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat().replace("+00:00", "Z")


@pytest.fixture
def push(registry_server, repository):
    """push(number, created, *tags) -> the digest of an image with the content tag of that number and further tags."""

    def run(number: int, created: str, *tags: str, content: bool = True) -> str:
        document = {"architecture": "amd64", "os": "linux", "number": number} | (
            {"created": created} if created else {}
        )
        config = registry_server.push_blob(repository.path, json.dumps(document).encode())
        layer = registry_server.push_blob(repository.path, b"layer")
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[0], "config": config, "layers": [layer]}
        digest = ""
        for tag in (*((f"content-{number:064x}",) if content else ()), *tags):
            digest = registry_server.push_manifest(repository.path, tag, manifest, MANIFEST_TYPES[0])
        return digest

    return run


@pytest.fixture
def clean(registry, repository):
    """clean(keep, *current, ...) -> the number of removed tags, and why not more."""

    def run(keep, *current, published=PUBLISHED, most=0, seconds=60.0, **asked):
        wanted = Retention(keep=keep, current=tuple(name[7:15] for name in current), **asked)
        return retention.apply(wanted, registry, repository, published, most=most, seconds=seconds)

    return run


@pytest.fixture
def digest_of(registry_server, repository):
    """digest_of(reference) -> the digest that the registry serves for a tag or a digest; empty if none."""
    return lambda reference: registry_server.digest(repository.path, reference)


@pytest.fixture
def listed(registry, repository):
    """listed() -> the existing tags."""
    return lambda: registry.tags(repository)


def test_without_retention_nothing_is_removed(registry, repository, push):
    push(1, days_ago(9))
    assert retention.apply(None, registry, repository, PUBLISHED) == (0, "")
    assert len(registry.tags(repository)) == 1


@pytest.mark.parametrize(("keep", "left"), [(1, {5}), (3, {5, 4, 3}), (5, {1, 2, 3, 4, 5}), (9, {1, 2, 3, 4, 5})])
def test_the_newest_images_are_kept(clean, push, listed, keep, left):
    for number in range(1, 6):
        push(number, days_ago(20 - number))
    assert clean(keep) == (5 - len(left), "")
    assert {int(tag.removeprefix("content-"), 16) for tag in listed()} == left


@pytest.mark.parametrize("delete_images", [False, True])
def test_referenced_images_are_kept_and_do_not_count(clean, push, listed, digest_of, delete_images):
    in_use, tagged = push(1, days_ago(50)), push(2, days_ago(40), "v1")
    free, newest = push(3, days_ago(30)), push(4, days_ago(20))
    assert clean(1, in_use, delete_images=delete_images) == (1, "")
    assert sorted(listed()) == [*(f"content-{number:064x}" for number in (1, 2, 4)), "v1"]
    assert digest_of(free) == ("" if delete_images else free)
    for digest in (in_use, tagged, newest):
        assert digest_of(digest) == digest


def test_the_tag_of_an_image_being_built_is_kept(clean, push, listed):
    """Its image may be pushed already, while no status has its digest yet."""
    push(0xAB << 248, days_ago(9))
    push(2, days_ago(8))
    push(3, days_ago(7))
    assert clean(1, "sha256:" + "ab".ljust(64, "0")) == (1, "")
    assert len(listed()) == 2


@pytest.mark.parametrize("created", ["", "1970-01-01T00:00:00Z", "yesterday", "0001-01-01T00:00:00Z"])
def test_an_image_of_unknown_age_loses_only_its_tag(clean, push, listed, digest_of, created):
    untold = push(1, created)
    push(2, days_ago(2))
    push(3, days_ago(3))
    assert clean(2, delete_images=True) == (1, "")
    assert f"content-{1:064x}" not in listed()
    assert digest_of(untold) == untold


def test_a_young_image_is_kept(clean, push):
    push(1, days_ago(0.5))
    push(2, days_ago(0.9))
    assert clean(1) == (0, "")


def test_above_the_limit_the_images_are_kept(clean, push, listed, digest_of):
    tagged = push(1, days_ago(50), "v1")
    published_before = push(2, days_ago(40))
    current = push(3, days_ago(30))
    kept = push(4, days_ago(20))
    history = (published_before[7:15],)
    assert clean(1, current, history=history, most=4) == (0, "")
    assert clean(1, current, history=history, most=1) == (3, "")
    assert sorted(listed()) == [f"content-{3:064x}", "v1"]
    for digest in (tagged, published_before, current, kept):
        assert digest_of(digest) == digest


def test_a_tag_left_by_a_killed_pod_is_removed(clean, push, registry, repository, digest_of):
    for number in (1, 2, 3):
        push(number, days_ago(9))
    retention.untag.untag(registry, repository, [f"content-{1:064x}"], time.monotonic() + 60)
    content = f"content-{2:064x}"
    registry.put_manifest(repository, content, retention.untag.EMPTY_IMAGE)
    assert digest_of(content) == retention.untag.EMPTY_IMAGE.digest
    made = {f"sha256:{2:064x}": "sha256:" + "d" * 64}
    assert existing_image.image(registry, repository, f"sha256:{2:064x}", made) is None
    assert clean(1) == (0, "")
    assert registry.tags(repository) == [f"content-{3:064x}"]


def test_it_stops_in_time_and_the_next_run_continues(clean, push, listed):
    for number in range(3):
        push(number, days_ago(9 + number))
    assert clean(1, seconds=0) == (0, "")
    assert clean(1, seconds=0, delete_images=True) == (0, "")
    assert len(listed()) == 3
    assert clean(1) == (2, "")


def test_tags_of_users_are_never_removed(clean, push, registry, repository):
    for number, tag in enumerate(("content-abc", "v1", "content-" + "g" * 64, "content-" + "A" * 64)):
        push(number, days_ago(9), tag, content=False)
    push(9, days_ago(9))
    push(8, days_ago(10))
    assert clean(1) == (1, "")
    assert len(registry.tags(repository)) == 5


def test_the_published_image_is_kept(registry, repository, push):
    published = push(1, days_ago(50))
    push(2, days_ago(2))
    push(3, days_ago(3))
    assert retention.apply(Retention(keep=1), registry, repository, published) == (1, "")
    assert registry.manifest(repository, published)


def registry_digest(client, repository, number: int) -> str:
    return client.manifest(repository, f"content-{number:064x}").digest


def test_a_registry_that_deletes_nothing_is_reported(tmp_path, tls, connect, repository, registry_server):
    folder = tmp_path / "registry"
    folder.mkdir()
    auth = htpasswd(folder, registry_server.user, registry_server.password)
    with serve_registry(folder, tls, auth, delete=False) as host:
        registry_server.host, true_host = host, registry_server.host
        try:
            client = connect(host, registry_server.user, registry_server.password, ca=tls.ca)
            here = repository._replace(host=host)
            for number in (1, 2):
                document = json.dumps({"created": days_ago(9 + number), "os": "linux"}).encode()
                config = registry_server.push_blob(here.path, document)
                manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[0], "config": config, "layers": []}
                registry_server.push_manifest(here.path, f"content-{number:064x}", manifest, MANIFEST_TYPES[0])
        finally:
            registry_server.host = true_host
        digests = [registry_digest(client, here, number) for number in (1, 2)]
        for delete_images in (False, True):
            wanted = Retention(keep=1, delete_images=delete_images)
            deleted, why = retention.apply(wanted, client, here, PUBLISHED)
            assert deleted == 0
            assert "The registry does not delete images: it answers 405 UNSUPPORTED" in why
        assert len(client.tags(here)) == 2
        assert [registry_digest(client, here, number) for number in (1, 2)] == digests, "no tag was moved before"


def test_a_login_that_may_not_delete_is_reported_but_no_failure(connect, serve, tls, repository):
    def handle(request):
        request.send_response(403)
        request.send_header("Content-Length", "0")
        request.end_headers()

    here = repository._replace(host=f"localhost:{serve(handle, tls=tls)}")
    deleted, why = retention.apply(Retention(keep=1), connect(here.host, ca=tls.ca), here, PUBLISHED)
    assert deleted == 0
    assert "kept" in why


@pytest.mark.parametrize(
    "link",
    [
        '<https://elsewhere.example/v2/x/tags/list?last=b&n=2>; rel="next"',
        "</v2/x/tags/list?last=b&n=2>; title=more; rel=next",
        '</v2/x/tags/list?n=2>; rel="first", </v2/x/tags/list?last=b&n=2>; rel="next"',
    ],
)
def test_tags_come_page_by_page_from_the_same_registry_only(connect, serve, tls, repository, link):
    seen = []

    def handle(request):
        seen.append(request.path)
        last = "last=b" in request.path
        body = json.dumps({"tags": ["c"] if last else ["a", "b"]}).encode()
        request.send_response(200)
        if not last:
            request.send_header("Link", link)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    here = repository._replace(host=f"localhost:{serve(handle, tls=tls)}")
    assert connect(here.host, ca=tls.ca).tags(here) == ["a", "b", "c"]
    assert seen == [f"/v2/{here.path}/tags/list?n=1000", f"/v2/{here.path}/tags/list?last=b&n=2"]


@pytest.mark.parametrize("listing", [b"<html>", b'{"tags": ["content-%064x", "content-%064x"]}' % (1, 2)])
def test_protocol_violations_are_no_failure(connect, serve, tls, repository, listing):
    """In the second case, tags are listed, but the bytes of a configuration end early."""
    config = {"mediaType": "x", "size": 100, "digest": "sha256:" + "1" * 64}
    manifest = json.dumps({"schemaVersion": 2, "config": config, "layers": []}).encode()

    def handle(request):
        is_blob = "/blobs/" in request.path
        body = listing if "tags/list" in request.path else b"{" if is_blob else manifest
        request.send_response(200)
        request.send_header("Content-Length", str(100 if is_blob else len(body)))
        request.end_headers()
        if request.command != "HEAD":
            request.wfile.write(body)

    here = repository._replace(host=f"localhost:{serve(handle, tls=tls)}")
    deleted, why = retention.apply(Retention(keep=1), connect(here.host, ca=tls.ca), here, PUBLISHED)
    assert deleted == 0
    assert "kept" in why
