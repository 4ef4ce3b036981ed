"""The depot: base images come in by digest, an image is built into it, and `report` pushes that image."""

import errno
import hashlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec
import pytest
import requests

from devcluster.lib import ports
from devcluster.lib.in_thread import serving
from inference_image_build.append.image import OCI_MANIFEST
from inference_image_build.depot import pull as pulling
from inference_image_build.depot import server as depot_server
from inference_image_build.depot.pull import pull
from inference_image_build.depot.push import push
from inference_image_build.depot.store import Depot
from inference_image_build.registry.client import INDEX_TYPES, Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_build.steps.report import report
from inference_image_contract import inputs, progress
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from tests.support.registries.docker_registry import RegistryServer

http = partial(requests.request, timeout=30)
TAG = "content-" + "a" * 64


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def depot(tmp_path: Path) -> Depot:
    return Depot(tmp_path / "depot")


@pytest.fixture
def url(depot: Depot) -> Iterator[str]:
    """Where the depot is served."""
    with serving(depot_server.Server(depot, "127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.server_port}/v2/"


@pytest.fixture
def pulled(registry: Registry, depot: Depot, tmp_path: Path) -> Callable[..., object]:
    """pulled("FROM ...") -> the result of `pull`."""

    def run(text: str, client: Registry = registry) -> object:
        (tmp_path / "Dockerfile").write_text(text)
        request = inputs.PullInput(registry=inputs.Registry(repository="h.test/a"), dockerfile="Dockerfile")
        return pull(request, client, tmp_path / "Dockerfile", depot)

    return run


# --- pull ------------------------------------------------------------------------------------------------------------


def test_every_image_of_the_dockerfile_is_served_by_digest(pulled, registry_server, repository, depot, url) -> None:
    one = registry_server.push_image(repository.path, "1", b"one" * 1000)
    other = registry_server.push_image(repository.path, "2", b"other")
    name = f"{registry_server.host}/{repository.path}"
    result = pulled(f"FROM {name}@{one} AS a\nFROM {name}@{one}\nCOPY --from={name}@{other} /x /\n")
    assert result.images == 2
    for digest in (one, other):
        manifest = http("GET", f"{url}base/any/manifests/{digest}")
        assert (sha256(manifest.content), manifest.headers["Content-Type"]) == (digest, OCI_MANIFEST)
        for blob in (manifest.json()["config"], *manifest.json()["layers"]):
            found = http("GET", f"{url}base/any/blobs/{blob['digest']}")
            assert (sha256(found.content), len(found.content)) == (blob["digest"], blob["size"])
    assert list(depot.sources()) == [name]


def test_of_an_index_the_image_for_amd64_is_there_too(pulled, registry_server, repository, depot) -> None:
    child = registry_server.push_image(repository.path, "", b"x")
    size = len(registry_server.session.get(f"https://{registry_server.host}/v2/{repository.path}/manifests/{child}",
        headers={"Accept": OCI_MANIFEST}).content)  # fmt: skip
    entry = {"mediaType": OCI_MANIFEST, "digest": child, "size": size}
    document = {"schemaVersion": 2, "mediaType": INDEX_TYPES[0]}
    document["manifests"] = [entry | {"platform": {"os": "linux", "architecture": "amd64"}}]
    index = registry_server.push_manifest(repository.path, "index", document, INDEX_TYPES[0])
    pulled(f"FROM {registry_server.host}/{repository.path}@{index}\n")
    assert depot.manifest(index).media_type == INDEX_TYPES[0]
    assert depot.manifest(child).media_type == OCI_MANIFEST


def test_an_image_that_is_gone(pulled, registry_server, repository) -> None:
    with pytest.raises(StageError, match="does not have the base image") as caught:
        pulled(f"FROM {registry_server.host}/{repository.path}@sha256:{'0' * 64}\n")
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND


def test_a_login_that_may_not_pull(pulled, registry_server, repository, connect) -> None:
    digest = registry_server.push_image(repository.path, "1")
    stranger = connect(registry_server.host, "nobody", "wrong", ca=registry_server.tls.ca)
    with pytest.raises(StageError) as caught:
        pulled(f"FROM {registry_server.host}/{repository.path}@{digest}\n", stranger)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED


@pytest.mark.on_disk
def test_other_bytes_than_the_digest_says(pulled, registry_server, repository, depot) -> None:
    content = secrets.token_bytes(5000)
    digest = registry_server.push_image(repository.path, "1", content)
    hexadecimal = hashlib.sha256(content).hexdigest()
    stored = registry_server.data / f"docker/registry/v2/blobs/sha256/{hexadecimal[:2]}/{hexadecimal}/data"
    stored.write_bytes(content[:-1] + b"?")
    with pytest.raises(StageError) as caught:
        pulled(f"FROM {registry_server.host}/{repository.path}@{digest}\n")
    assert caught.value.reason == Reason.DIGEST_INVALID
    assert depot.blob(sha256(content)) is None
    assert list((depot.folder / "uploads").iterdir()) == []


def test_a_broken_download_is_repeated(pulled, registry_server, repository, depot, monkeypatch) -> None:
    digest = registry_server.push_image(repository.path, "1", b"x" * 1000)
    whole, broken = Registry.blob, []

    def blob(self: Registry, image: ImageReference, wanted: object) -> Iterator[bytes]:
        if len(broken) < 2:
            broken.append(wanted)
            raise StageError(Reason.REGISTRY_UNAVAILABLE, "the connection broke", "x")
        return whole(self, image, wanted)

    monkeypatch.setattr(Registry, "blob", blob)
    assert pulled(f"FROM {registry_server.host}/{repository.path}@{digest}\n").size > 1000
    monkeypatch.setattr(pulling, "_ATTEMPTS", 1)
    broken.clear()
    (depot.folder / "blobs" / hashlib.sha256(b"x" * 1000).hexdigest()).unlink()
    with pytest.raises(StageError, match="broke"):
        pulled(f"FROM {registry_server.host}/{repository.path}@{digest}\n")


# --- the server ------------------------------------------------------------------------------------------------------


def upload(url: str, data: bytes, digest: str, *, chunked: bool = False) -> requests.Response:
    """A blob in one PATCH, and the PUT that ends it, as Kaniko sends it."""
    location = http("POST", f"{url}image/blobs/uploads/").headers["Location"]
    place = url.partition("/v2/")[0] + location
    half = len(data) // 2
    sent = http("PATCH", place, data=iter((data[:half], data[half:])) if chunked else data)
    assert sent.status_code == 202
    return http("PUT", f"{url.partition('/v2/')[0]}{sent.headers['Location']}?digest={digest}")


@pytest.mark.parametrize("chunked", [True, False])
def test_a_blob_is_stored_under_its_digest(url, depot, chunked) -> None:
    data = secrets.token_bytes(3_000_000)
    assert upload(url, data, sha256(data), chunked=chunked).status_code == 201
    assert depot.blob(sha256(data)).read_bytes() == data
    assert http("HEAD", f"{url}image/blobs/{sha256(data)}").headers["Content-Length"] == str(len(data))
    again = http("POST", f"{url}image/blobs/uploads/?mount={sha256(data)}&from=base/x")
    assert (again.status_code, again.headers["Docker-Content-Digest"]) == (201, sha256(data))


def test_a_name_is_always_the_hash_of_the_content(url, depot) -> None:
    reply = upload(url, b"x", sha256(b"y"))
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")
    assert upload(url, b"x", "../../x").status_code == 400
    manifest = http("PUT", f"{url}image/manifests/{sha256(b'{}')}", data=b"{ }")
    assert manifest.status_code == 400
    assert depot.blob(sha256(b"y")) is None
    assert depot.manifest(sha256(b"{}")) is None
    assert depot.built() is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "image/blobs/sha256:" + "0" * 64),
        ("GET", "image/manifests/latest"),
        ("GET", "image/blobs/../../../etc/passwd"),
        ("GET", "image/blobs/sha256:..%2f..%2fbuilt"),
        ("PATCH", "image/blobs/uploads/" + "0" * 32),
        ("PATCH", "image/blobs/uploads/../built"),
        ("PUT", "image/blobs/uploads/" + "0" * 32 + "?digest=sha256:" + "0" * 64),
        ("POST", "image/manifests/uploads/"),
        ("GET", "x" * 5000 + "/blobs/y"),
        ("DELETE", "image/manifests/x"),
    ],
)
def test_anything_else_is_refused(url, depot, method, path) -> None:
    reply = http(method, f"{url}{path}")
    assert reply.status_code in {400, 404, 414, 501}
    assert "root:" not in reply.text


@pytest.mark.parametrize(
    "headers",
    ["Content-Length: -1", "Content-Length: x", "Transfer-Encoding: chunked\r\n\r\nzz", f"Content-Length: {'9' * 90}"],
)
def test_a_malformed_size_ends_the_request(url, headers) -> None:
    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port)), 10) as connection:
        connection.sendall(f"PUT /v2/image/manifests/x HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\n".encode())
        assert connection.makefile().readline().startswith("HTTP/1.1 400")


def test_a_manifest_has_a_limit(url, depot) -> None:
    assert http("PUT", f"{url}image/manifests/x", data=b" " * (4 * 1024**2 + 1)).status_code == 400
    assert depot.built() is None


def test_a_full_disk_is_told(url, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Depot, "finish", full)
    reply = upload(url, b"x", sha256(b"x"))
    assert reply.status_code == 507
    assert "no space left on device in the depot" in reply.text


def test_the_depot_ends_well_when_the_kubelet_stops_it(tmp_path) -> None:
    port = ports.reserve(1)[0]
    code = (
        "import sys\nfrom pathlib import Path\nfrom inference_image_build.depot.server import serve\n"
        "from inference_image_build.depot.store import Depot\n"
        f"serve(Depot(Path({str(tmp_path)!r})), '127.0.0.1', {port})\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], env=os.environ) as process:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert http("GET", f"http://127.0.0.1:{port}/v2/").status_code == 200
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline
                assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


# --- push ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ask(registry: Registry, repository: ImageReference, depot: Depot, tmp_path: Path) -> Callable[..., object]:
    """ask() -> what `report` says of the image in the depot."""

    def run(*, pushes: bool = True, **changes: object) -> object:
        request = inputs.ReportInput(registry=inputs.Registry(repository=repository.repository), content_tag=TAG)
        return report(
            msgspec.structs.replace(request, **changes), registry, tmp_path / "digest", depot if pushes else None
        )

    return run


def make(depot: Depot, *layers: bytes, **changes: object) -> str:
    """Puts an image into the depot as Kaniko does; returns its digest."""
    config = b'{"architecture":"amd64","os":"linux"}'
    blobs = []
    for data in (config, *layers):
        depot.add_blob(sha256(data), [data])
        blobs.append({"mediaType": "application/octet-stream", "digest": sha256(data), "size": len(data)})
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blobs[0], "layers": blobs[1:]} | changes
    manifest = Manifest(json.dumps(document).encode(), str(document["mediaType"]))
    depot.add_manifest(manifest)
    depot.set_built(manifest.digest)
    return manifest.digest


def test_the_built_image_is_pushed_byte_for_byte(ask, depot, registry_server, repository) -> None:
    digest = make(depot, secrets.token_bytes(3_000_000), b"small")
    assert ask().digest == digest
    assert registry_server.digest(repository.path, TAG) == digest


def test_the_log_says_how_many_bytes_of_the_image_are_pushed(ask, depot, monkeypatch, capsys) -> None:
    monkeypatch.setattr(progress, "SECONDS", 0)
    make(depot, secrets.token_bytes(3_000_000))
    size = ask().size
    told = [found for line in capsys.readouterr().err.splitlines() if (found := progress.parse(line))]
    assert told[-1] == progress.Progress(progress.What.PUSH, size, size)
    assert len(told) > 3, "a large layer has several"


def test_layers_of_the_base_are_mounted_from_its_repository(pulled, ask, depot, registry_server, capsys) -> None:
    repository = ImageReference(registry_server.host, f"demo/{secrets.token_hex(6)}", "latest", "")
    layer, base = secrets.token_bytes(100_000), f"{repository.path}-base"
    pinned = registry_server.push_image(base, "1", layer)
    pulled(f"FROM {registry_server.host}/{base}@{pinned}\n")
    make(depot, layer, new := secrets.token_bytes(10))
    ask()
    said = capsys.readouterr().err
    assert f"the registry already has {sha256(layer)}" in said
    assert re.findall(r"^pushed (\S+)", said, re.MULTILINE) == [sha256(new)]


def test_what_a_run_writes_into_the_workspace_is_not_believed(
    ask, depot, registry_server, repository, tmp_path
) -> None:
    other = registry_server.push_image(repository.path, "older", b"older")
    (tmp_path / "digest").write_text(other)
    digest = make(depot, b"new")
    assert ask().digest == digest


SECRET = b"a layer of a repository that the author of the Dockerfile may not read"
FOREIGN = {"mediaType": "application/octet-stream", "digest": sha256(SECRET), "size": len(SECRET)}


@pytest.mark.parametrize(
    "changes",
    [
        {"layers": [FOREIGN]},
        {"config": FOREIGN},
        {"layers": [{"digest": "../../built", "size": 1}]},
        {"layers": [{"digest": 5}]},
        {"layers": ["x"]},
        {"config": None},
        {"config": {"digest": sha256(b'{"architecture":"amd64","os":"linux"}'), "size": 1}},
        {"layers": [FOREIGN] * 2000},
        {"mediaType": INDEX_TYPES[0]},
        {"mediaType": "text/html"},
    ],
)
def test_a_manifest_may_only_name_what_is_in_the_depot(ask, depot, registry_server, repository, changes) -> None:
    """With our login, another blob could be one that a RUN may not read."""
    secret = f"{repository.path}-secret"
    registry_server.push_image(secret, "1", SECRET)
    make(depot, b"x", **changes)
    with pytest.raises(StageError) as caught:
        ask(known_repositories=(f"{registry_server.host}/{secret}",))
    assert caught.value.reason == Reason.BUILD_FAILED
    assert registry_server.digest(repository.path, TAG) == ""


def test_a_depot_without_an_image(ask, depot) -> None:
    with pytest.raises(StageError, match="ended without an image"):
        ask()


def test_a_login_that_may_not_push(depot, token_registry, connect) -> None:
    client = connect(token_registry.host, "puller", "secret-2", ca=token_registry.tls.ca)
    make(depot, b"x")
    request = inputs.ReportInput(registry=inputs.Registry(repository=f"{token_registry.host}/a/b"), content_tag=TAG)
    with pytest.raises(StageError) as caught:
        push(request, client, depot)
    assert caught.value.reason == Reason.REGISTRY_UNAUTHORIZED


def test_the_other_builder_pushes_by_itself(ask, registry_server: RegistryServer, repository, tmp_path) -> None:
    digest = registry_server.push_image(repository.path, TAG)
    (tmp_path / "digest").write_text(digest)
    assert ask(pushes=False).digest == digest
