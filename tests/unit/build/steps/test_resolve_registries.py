"""Resolve and the registries: mirrors of base images, push access to every repository, tags that must not move."""

import pytest

from inference_image_build.registry.manifests import INDEX_TYPES, MANIFEST_TYPES
from inference_image_build.registry.references import ImageReference
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_contract.content import content_hash
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.tags import render
from tests.support.exports import content_tag, export, record

DOCKERFILE = "uai/object-detect/object-detect-cpu.Dockerfile"


@pytest.fixture
def run(pipeline, registry, tmp_path):
    """run(**changes) resolves the pipeline with another input."""
    return lambda client=registry, **changes: resolve(
        pipeline.input(**changes), pipeline.store, client, tmp_path / "none"
    )


def test_push_access_to_every_repository_is_checked(run, repository, token_registry):
    other = f"{token_registry.host}/demo/infer"
    where = inputs.Registry(repository=repository.repository, additional_repositories=(other,))
    with pytest.raises(StageError) as caught:
        run(registry=where)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED
    assert other in caught.value.message


@pytest.mark.parametrize("tag", ["v1", "step-{step}", "{contentHash}"])
def test_a_tag_that_must_not_move_is_found_before_anything_is_built(run, store, registry_server, repository, tag):
    first = run()
    graph = export(store, first)
    known = record(first, graph)
    (name,) = render([tag], first.step, content_hash(first.inputs_hash, graph))
    digest = registry_server.push_image(repository.path, name, b"another")
    assert run(**known).graph == graph, "a tag that may move is not looked at"
    with pytest.raises(StageError) as caught:
        run(fixed_tags=(tag,), **known)
    assert caught.value.reason == Reason.TAG_EXISTS
    assert f"{repository.repository}:{name} already points to {digest}" in caught.value.message


def test_a_tag_with_the_content_hash_is_not_looked_at_before_the_graph_exists(run):
    assert run(fixed_tags=("{contentHash}",)).graph is None


def test_a_tag_that_already_points_to_this_content_is_accepted(run, store, registry_server, repository):
    first = run(fixed_tags=("v1",))
    graph = export(store, first)
    digest = registry_server.push_image(repository.path, content_tag(first, graph), b"this")
    assert registry_server.push_image(repository.path, "v1", b"this") == digest
    assert run(fixed_tags=("v1",), **record(first, graph, digest)).image.digest == digest


def test_tags_are_checked_in_every_repository(run, registry_server, repository):
    other = f"{repository.repository}-other"
    registry_server.push_image(f"{repository.path}-other", "v1", b"another")
    where = inputs.Registry(repository=repository.repository, additional_repositories=(other,))
    with pytest.raises(StageError, match=f"{other}:v1 already points to"):
        run(registry=where, fixed_tags=("v1",))


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["test"], ("test",)),
        (["{step}", "v1"], ("800", "v1")),
        (["s{step}-{contentHash}"], ("s800-abcdefabcdef",)),
        (["800", "{step}"], ("800",)),
        (["{Step}", "{{step}}"], ("{Step}", "{800}")),
        ([], ()),
    ],
)
def test_tag_templates(tags, expected):
    assert render(tags, 800, "sha256:" + "abcdef" * 10 + "0123") == expected


@pytest.fixture
def mirrored(registry_server, connect, unused_port):
    """mirrored(*mirrors) -> our client, with these mirrors for nowhere.example."""
    server = registry_server

    def make(*mirrors: str):
        mirrors = tuple(mirror.format(host=server.host, closed=f"localhost:{unused_port}") for mirror in mirrors)
        settings = {"mirrors": {"nowhere.example": mirrors}, "allowed_hosts": ("nowhere.example", server.host)}
        return connect(server.host, server.user, server.password, ca=server.tls.ca, **settings)

    return make


@pytest.mark.parametrize("mirrors", [["{host}"], ["{host}/cache"], ["{closed}", "{host}"], ["{host}/absent", "{host}"]])
def test_a_base_image_comes_from_a_mirror(mirrored, registry_server, repository, mirrors):
    path = f"cache/{repository.path}" if "/cache" in mirrors[-1] else repository.path
    digest = registry_server.push_image(path, "1", b"base")
    client, image = mirrored(*mirrors), ImageReference("nowhere.example", repository.path, "1", "")
    found = client.base(image)
    assert found.digest == digest
    assert client.size(image, found) == len(b"base") + len(b'{"architecture":"amd64","os":"linux"}')


def test_the_pin_names_the_registry_not_the_mirror(run, mirrored, registry_server, repository, store):
    digest = registry_server.push_image(repository.path, "1", b"base")
    base = f"nowhere.example/{repository.path}:1"
    client = mirrored("{host}")
    result = run(client, build_args={"BASE": base})
    data = store.read(result.input_lock.key, max_bytes=1 << 20)
    assert f'"{base}":"nowhere.example/{repository.path}@{digest}"'.encode() in data


def test_if_the_mirrors_fail_the_registry_itself_is_used(registry, registry_server, repository, connect, tls):
    digest = registry_server.push_image(repository.path, "latest", b"base")
    settings = {"mirrors": {repository.host: (f"{repository.host}/absent",)}}
    client = connect(repository.host, registry_server.user, registry_server.password, ca=tls.ca, **settings)
    assert client.base(repository).digest == digest
    assert client.base(repository._replace(tag="absent")) is None


def test_mirrors_are_never_used_for_the_target(mirrored, registry_server, repository):
    """The target's tags and digests come from the registry itself."""
    registry_server.push_image(repository.path, "1")
    image = ImageReference("nowhere.example", repository.path, "1", "")
    with pytest.raises(StageError) as caught:
        mirrored("{host}").manifest(image)
    assert caught.value.reason == Reason.REGISTRY_UNAVAILABLE


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("evil.example/a:1", Reason.REGISTRY_NOT_ALLOWED),
        ("localhost.evil.example/a:1", Reason.REGISTRY_NOT_ALLOWED),
        ("evil.example/localhost/a:1", Reason.REGISTRY_NOT_ALLOWED),
        ("python:3.13", Reason.REGISTRY_NOT_ALLOWED),
        ("{host}@evil.example/a:1", Reason.DOCKERFILE_INVALID),
        ("{upper}/a:1", Reason.BASE_IMAGE_NOT_FOUND),  # the same host: hosts are compared without case
        ("{host}/A:1", Reason.DOCKERFILE_INVALID),
        ("https://{host}/a:1", Reason.DOCKERFILE_INVALID),
        ("{host}/{path}:1@sha256:12", Reason.DOCKERFILE_INVALID),
        ("{host}/{path}:1@sha256:" + "0" * 64, Reason.BASE_IMAGE_NOT_FOUND),
    ],
)
def test_tricks_with_image_names(run, repository, base, reason):
    base = base.format(host=repository.host, upper=repository.host.upper(), path=f"{repository.path}-base")
    where = inputs.Registry(repository=repository.repository, allowed_hosts=(repository.host,))
    with pytest.raises(StageError) as caught:
        run(registry=where, build_args={"BASE": base})
    assert caught.value.reason == reason


def test_a_digest_overrides_a_tag(run, registry_server, repository, store):
    digest = registry_server.push_image(f"{repository.path}-base", "other", b"pinned by digest")
    base = f"{repository.repository}-base:1@{digest}"
    data = store.read(run(build_args={"BASE": base}).input_lock.key, max_bytes=1 << 20)
    assert f'"{base}":"{repository.repository}-base@{digest}"'.encode() in data


def _index(server, path: str, *platforms: dict[str, str] | None) -> str:
    """Pushes an index of one small image per platform as `path`:1; returns the digest of the last image."""
    entries = []
    for number, platform in enumerate(platforms):
        digest = server.push_image(path, "", f"layer {number}".encode())
        size = len(server.session.get(f"https://{server.host}/v2/{path}/manifests/{digest}").content)
        entry = {"mediaType": MANIFEST_TYPES[0], "digest": digest, "size": size}
        entries.append(entry | ({"platform": platform} if platform else {}))
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": entries}
    server.push_manifest(path, "1", document, INDEX_TYPES[0])
    return digest


def _platform(name: str) -> dict[str, str]:
    return dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))


ARM, AMD, ATTESTATION = _platform("linux/arm64/v8"), _platform("linux/amd64"), _platform("unknown/unknown")


def test_an_index_without_our_platform_is_found_before_anything_is_built(run, registry_server, repository):
    """An image that was pushed from a Mac, with its attestation."""
    _index(registry_server, repository.path, ARM, ATTESTATION)
    with pytest.raises(StageError) as caught:
        run(build_args={"BASE": f"{repository.repository}:1"})
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND
    assert f"{repository.repository}:1, which the registry" in caught.value.message
    assert caught.value.message.endswith(" has for linux/arm64, not for linux/amd64.")
    assert "docker build --platform linux/amd64" in caught.value.hint


@pytest.mark.parametrize("lines", ["FROM {other}", "FROM {base}\nCOPY --from={other} /a /b"])
def test_an_image_of_another_platform_is_found_before_anything_is_built(run, store, registry_server, repository, lines):
    registry_server.push_image(repository.path, "1", architecture="arm64")
    text = lines.format(other=f"{repository.repository}:1", base=f"{repository.repository}-base:1")
    store.write(text.encode(), DOCKERFILE)
    line = 1 + text.count("\n")
    with pytest.raises(StageError, match=rf"line {line}, .* has for linux/arm64, not for linux/amd64") as caught:
        run()
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND


def test_an_image_that_is_used_twice_is_checked_at_each_place(run, store, registry_server, repository):
    """Copied from first, then built on: its variables are known, and its TensorFlow must read the graph."""
    registry_server.push_image(repository.path, "1", env=("PATH=/bin", "OF_THE_BASE=1"))
    image, base = f"{repository.repository}:1", f"{repository.repository}-base:1"
    store.write(
        f"FROM {base} AS a\nCOPY --from={image} /a /b\nFROM {image}\nCOPY --from=a /b /c\n".encode(), DOCKERFILE
    )
    data = store.read(run().input_lock.key, max_bytes=1 << 20)
    assert f'"{image}":{{"env":["PATH=/bin","OF_THE_BASE=1"]'.encode() in data
    registry_server.push_image(repository.path, "1", env=("TENSORFLOW_VERSION=1.4.0",))
    store.write(f"FROM {image} AS a\nFROM {image}\nCOPY --from=a /b /c\n".encode(), DOCKERFILE)
    with pytest.raises(StageError, match=r"line 2, names .* which has TensorFlow 1\.4"):
        run()


FIRST_FORMAT = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def test_an_image_of_the_first_format_is_found_before_anything_is_built(run, serve, tls, connect):
    def answer(request):
        data = b'{"schemaVersion": 1, "fsLayers": []}'
        request.send_response(200)
        request.send_header("Content-Type", FIRST_FORMAT)
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    host = f"localhost:{serve(answer, tls=tls)}"
    with pytest.raises(StageError) as caught:
        run(connect(host, ca=tls.ca), build_args={"BASE": f"{host}/old:1"})
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND
    assert f"has as {FIRST_FORMAT}, which builders do not read" in caught.value.message


@pytest.mark.parametrize("platforms", [(ARM, None), (None,), (ATTESTATION, AMD), (ARM, AMD)])
def test_an_entry_without_a_platform_may_be_for_ours(run, registry_server, registry, repository, platforms):
    digest = _index(registry_server, repository.path, *platforms)
    image = repository._replace(tag="1")
    assert registry.platform(image, registry.base(image)).digest == digest
    assert run(build_args={"BASE": f"{repository.repository}:1"}).base_bytes
