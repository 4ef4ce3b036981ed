"""The append builder against a real registry: what it pushes, what it skips, and its errors."""

import gzip
import io
import json
import os
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import requests

from inference_image_build.append.image import DOCKER_MANIFEST, OCI_MANIFEST, sha256
from inference_image_build.append.step import append
from inference_image_build.registry import references
from inference_image_build.registry.client import INDEX_TYPES, Registry
from inference_image_build.registry.http import RegistryHttp
from inference_image_build.registry.references import ImageReference
from inference_image_build.registry.replies import Reply
from inference_image_contract import inputs, progress
from inference_image_contract.errors import StageError
from inference_image_contract.progress import Progress, What
from inference_image_contract.reasons import Reason
from tests.support.registries.docker_registry import RegistryServer, serve_registry

DOCKERFILE = """\
FROM {base}
EXPOSE 8080
ENV UAI_SERVICE_CONFIG=/ai/conf.json
ADD ./code/ /ai/
ADD ./object-detect.conf /ai/conf.json
WORKDIR /ai
CMD ["python3", "server.py"]
"""
CODE = {"code/infer.py": b"print(1)\n", "code/checkpoint_dir/graph.pb": b"weights" * 1000, "object-detect.conf": b"{}"}
QUOTA = b'{"errors": [{"code": "DENIED", "message": "quota exceeded"}]}'
BASE_CONFIG = {
    "architecture": "amd64",
    "os": "linux",
    "created": "2026-01-02T03:04:05Z",
    "config": {"Env": ["PATH=/bin"], "User": "65532", "Cmd": ["sh"], "Labels": {"base": "yes"}},
}


def base_image(server, path: str, tag: str = "1", *, media_type: str = OCI_MANIFEST, **config: object) -> str:
    """Pushes a base image with one layer. Returns its reference by digest."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("base.txt"))
    layer = server.push_blob(path, gzip.compress(plain.getvalue() + path.encode(), mtime=0))
    document = BASE_CONFIG | {"rootfs": {"type": "layers", "diff_ids": ["sha256:" + "1" * 64]}} | config
    blob = server.push_blob(path, json.dumps(document).encode())
    manifest = {"schemaVersion": 2, "mediaType": media_type, "config": blob, "layers": [layer]}
    return f"{server.host}/{path}@{server.push_manifest(path, tag, manifest, media_type)}"


def write(context: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        target = context / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o644)


@dataclass
class Site:
    """A workspace, a base image, and the target repository."""

    root: Path
    registry: Registry
    server: object
    repository: ImageReference
    base: str
    changes: dict[str, object] = field(default_factory=dict)

    def run(self, dockerfile: str = DOCKERFILE, files: dict[str, bytes] = CODE, tag: str = "content-1", **changes):
        workspace = self.root / f"workspace-{len(list(self.root.iterdir()))}"
        (workspace / "context").mkdir(parents=True)
        write(workspace / "context", files)
        (workspace / "Dockerfile").write_text(dockerfile.format(base=self.base))
        step_input = inputs.AppendInput(
            registry=inputs.Registry(repository=self.repository.repository),
            content_tag=tag,
            dockerfile="object-detect-cpu.Dockerfile",
            checkpoint_dir="code/checkpoint_dir",
            labels={"uai.ucloud.cn/content-hash": "sha256:1"},
        )
        step_input = msgspec.structs.replace(step_input, **self.changes | changes)
        result = append(
            step_input, self.registry, workspace / "context", workspace / "Dockerfile", workspace / "digest"
        )
        assert (workspace / "digest").read_text() == result.digest
        return result

    def document(self, tag: str = "content-1") -> dict:
        """The manifest that our client reads."""
        return json.loads(self.registry.manifest(self.repository, tag).data)

    def blob(self, descriptor: dict) -> bytes:
        url = f"https://{self.server.host}/v2/{self.repository.path}/blobs/{descriptor['digest']}"
        data = self.server.session.get(url).content
        assert sha256(data) == descriptor["digest"]
        assert len(data) == descriptor["size"]
        return data

    def config(self, tag: str = "content-1") -> dict:
        return json.loads(self.blob(self.document(tag)["config"]))

    def layers(self, tag: str = "content-1") -> list[dict[str, tuple]]:
        """For each layer: path -> (content, mode, uid, gid, time)."""
        found = []
        for descriptor in self.document(tag)["layers"]:
            entries = {}
            with tarfile.open(fileobj=io.BytesIO(self.blob(descriptor)), mode="r:gz") as archive:
                for info in archive:
                    data = archive.extractfile(info).read() if info.isfile() else None
                    entries[info.name] = (data, info.mode, info.uid, info.gid, info.mtime)
            found.append(entries)
        return found


@pytest.fixture
def site(tmp_path, registry, registry_server, repository) -> Site:
    (tmp_path / "site").mkdir()
    base = base_image(registry_server, f"{repository.path}-base")
    return Site(tmp_path / "site", registry, registry_server, repository, base)


def test_the_image_is_the_base_with_the_files_and_settings_of_the_dockerfile(site):
    result = site.run()
    assert site.server.digest(site.repository.path, "content-1") == result.digest
    base, weights, code, conf = site.layers()
    assert "base.txt" in base
    assert weights == {"ai/checkpoint_dir/graph.pb": (b"weights" * 1000, 0o644, 0, 0, 0)}
    assert code == {"ai/infer.py": (b"print(1)\n", 0o644, 0, 0, 0)}
    assert conf == {"ai/conf.json": (b"{}", 0o644, 0, 0, 0)}
    config = site.config()
    assert config["config"] == {
        "Env": ["PATH=/bin", "UAI_SERVICE_CONFIG=/ai/conf.json"],
        "User": "65532",
        "Cmd": ["python3", "server.py"],
        "Labels": {"base": "yes", "uai.ucloud.cn/content-hash": "sha256:1"},
        "ExposedPorts": {"8080/tcp": {}},
        "WorkingDir": "/ai",
    }
    assert (config["architecture"], config["os"], config["created"]) == ("amd64", "linux", "1970-01-01T00:00:00Z")


def test_the_configuration_lists_the_unpacked_digests(site):
    site.run()
    diff_ids = site.config()["rootfs"]["diff_ids"]
    layers = site.document()["layers"]
    assert len(diff_ids) == len(layers) == 4
    assert diff_ids[1:] == [sha256(gzip.decompress(site.blob(layer))) for layer in layers[1:]]


def test_a_second_run_pushes_nothing_and_gives_the_same_digest(site):
    first = site.run()
    second = site.run()
    assert second.digest == first.digest
    assert (second.pushed_bytes, second.reused_bytes) == (0, first.pushed_bytes + first.reused_bytes)


def test_equal_content_gives_the_same_digest_for_any_times_owners_and_order(site):
    first = site.run()
    workspace = site.root / "elsewhere"
    (workspace / "context").mkdir(parents=True)
    write(workspace / "context", dict(reversed(CODE.items())))
    for number, path in enumerate(sorted(workspace.rglob("*"))):
        os.utime(path, (number * 10**6, number * 10**6))
        if os.geteuid() == 0:
            os.chown(path, 1000 + number, 1000)
    (workspace / "Dockerfile").write_text(DOCKERFILE.format(base=site.base))
    step_input = inputs.AppendInput(
        registry=inputs.Registry(repository=site.repository.repository),
        content_tag="content-2",
        dockerfile="Dockerfile",
        checkpoint_dir="code/checkpoint_dir",
        labels={"uai.ucloud.cn/content-hash": "sha256:1"},
    )
    again = append(step_input, site.registry, workspace / "context", workspace / "Dockerfile", workspace / "digest")
    assert again.digest == first.digest


@pytest.mark.parametrize(
    ("changed", "size"),
    [("code/infer.py", 100), ("code/checkpoint_dir/graph.pb", 100), ("object-detect.conf", 100)],
)
def test_only_the_layer_that_changed_is_pushed(site, changed, size):
    """In the tutorial's Dockerfile, one ADD copies code and weights; the weights still get a separate layer."""
    site.run()
    before = {layer["digest"] for layer in site.document()["layers"]}
    result = site.run(files=CODE | {changed: b"changed"}, tag="content-2")
    document = site.document("content-2")
    new = [layer for layer in document["layers"] if layer["digest"] not in before]
    assert len(new) == 1
    assert result.pushed_bytes == new[0]["size"] + document["config"]["size"]


def test_the_log_says_how_many_bytes_are_in_the_repository(site, monkeypatch, capsys):
    monkeypatch.setattr(progress, "SECONDS", 0)
    result = site.run()
    told = [found for line in capsys.readouterr().err.splitlines() if (found := progress.parse(line))]
    size = result.pushed_bytes + result.reused_bytes
    assert told[-1] == Progress(What.PUSH, size, size)
    assert [found.done for found in told] == sorted(found.done for found in told)
    assert {found.total for found in told} == {size}


def test_the_base_is_mounted_from_its_repository_and_not_pushed(site):
    result = site.run()
    document = site.document()
    own = sum(layer["size"] for layer in document["layers"][1:]) + document["config"]["size"]
    assert (result.pushed_bytes, result.reused_bytes) == (own, document["layers"][0]["size"])


@pytest.fixture
def asked(monkeypatch):
    """What our client asks registries for: (method, repository, path)."""
    whole, found = RegistryHttp.request, []

    def request(self, method, image, path, **more):
        found.append((method, image.path, path))
        return whole(self, method, image, path, **more)

    monkeypatch.setattr(RegistryHttp, "request", request)
    return found


def test_nothing_is_mounted_from_the_repository_itself(site, asked):
    site.run()
    mounts = [path for method, _, path in asked if method == "POST" and "mount=" in path]
    assert len(mounts) == 1, "the base's layer"
    assert f"{site.repository.path}-base".replace("/", "%2F") in mounts[0]
    assert len([1 for method, *_ in asked if method == "POST"]) == 5


@pytest.mark.parametrize("place", ["known", "additional"])
def test_layers_are_mounted_from_the_repository_of_an_earlier_image(site, place):
    """The repository in the spec changed: every layer is in the former one, and none in the new one."""
    first = site.run()
    former, here = site.repository, site.repository._replace(path=f"{site.repository.path}-moved")
    others = (f"{site.server.host}/missing/one", former.repository, here.repository)
    site.repository = here
    where = inputs.Registry(repository=here.repository, additional_repositories=others if place == "additional" else ())
    second = site.run(registry=where, known_repositories=others if place == "known" else ())
    config = site.document()["config"]["size"]
    assert second.digest == first.digest
    assert second.pushed_bytes == config, "a configuration is small, and no layer"
    assert len(site.layers()) == 4


def test_a_repository_of_another_registry_is_not_asked(site, asked):
    site.run(known_repositories=("elsewhere.example/a/b",))
    assert {image for _, image, _ in asked} == {site.repository.path, f"{site.repository.path}-base"}


def test_a_base_of_another_registry_is_mounted_from_an_earlier_image(site, tmp_path, tls):
    (tmp_path / "elsewhere").mkdir()
    with serve_registry(tmp_path / "elsewhere", tls, {}) as host, requests.Session() as session:
        session.verify, session.trust_env = str(tls.ca), False
        site.base = base_image(RegistryServer(host, tls, tmp_path / "elsewhere", "", "", session), "library/base")
        site.run()
        former = site.repository.repository
        site.repository = site.repository._replace(path=f"{site.repository.path}-moved")
        result = site.run(registry=inputs.Registry(repository=site.repository.repository), known_repositories=(former,))
        assert result.pushed_bytes == site.document()["config"]["size"]


def test_a_base_of_another_registry_is_streamed(site, tmp_path, tls):
    (tmp_path / "elsewhere").mkdir()
    with serve_registry(tmp_path / "elsewhere", tls, {}) as host, requests.Session() as session:
        session.verify, session.trust_env = str(tls.ca), False
        elsewhere = RegistryServer(host, tls, tmp_path / "elsewhere", "", "", session)
        site.base = base_image(elsewhere, "library/base")
        result = site.run()
        assert "base.txt" in site.layers()[0]
        assert result.reused_bytes == 0
        assert site.run(files=CODE | {"object-detect.conf": b"[]"}, tag="content-2").reused_bytes > 0


@pytest.mark.parametrize("media_type", [OCI_MANIFEST, DOCKER_MANIFEST])
def test_the_manifest_has_the_bases_media_types(site, media_type):
    site.base = base_image(site.server, f"{site.repository.path}-base", "2", media_type=media_type)
    site.run()
    manifest = site.registry.manifest(site.repository, "content-1")
    kinds = {layer["mediaType"].partition(".image")[0] for layer in site.document()["layers"][1:]}
    assert manifest.media_type == media_type
    assert kinds == {"application/vnd.oci" if media_type == OCI_MANIFEST else "application/vnd.docker"}


def test_an_index_resolves_to_its_linux_amd64_image(site):
    path, child = f"{site.repository.path}-base", site.base.rpartition("@")[2]
    platform = {"os": "linux", "architecture": "amd64"}
    entries = [{"mediaType": OCI_MANIFEST, "size": 1, "digest": child, "platform": platform}]
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPES[0], "manifests": entries}
    site.base = f"{site.server.host}/{path}@{site.server.push_manifest(path, 'index', index, INDEX_TYPES[0])}"
    site.run()
    assert "base.txt" in site.layers()[0]


def test_an_image_from_scratch_has_only_the_files(site):
    site.base = "scratch"
    site.run()
    assert len(site.layers()) == 3
    assert site.config()["config"]["Env"][0].startswith("PATH=/usr/local/sbin")


def test_a_dockerfile_without_files_makes_an_image_without_new_layers(site):
    site.run("FROM {base}\nENV A=1\n")
    assert len(site.layers()) == 1


@pytest.mark.parametrize("base", ["{host}/{path}-base@sha256:" + "0" * 64, "{host}/{path}-missing:1"])
def test_a_missing_base_is_named(site, base):
    site.base = base.format(host=site.server.host, path=site.repository.path)
    with pytest.raises(StageError, match="line 1, names") as caught:
        site.run()
    assert caught.value.reason == Reason.BASE_IMAGE_NOT_FOUND


def test_triggers_of_the_base_need_another_builder(site):
    triggers = BASE_CONFIG["config"] | {"OnBuild": ["RUN make"]}
    site.base = base_image(site.server, f"{site.repository.path}-base", "2", config=triggers)
    with pytest.raises(StageError, match="ONBUILD triggers of the base image") as caught:
        site.run()
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED


def test_a_run_pushes_nothing(site):
    with pytest.raises(StageError) as caught:
        site.run(DOCKERFILE + "RUN true\n")
    assert caught.value.reason == Reason.BUILDER_UNSUPPORTED
    assert "line 8" in caught.value.message
    assert site.server.digest(site.repository.path, "content-1") == ""


@pytest.mark.parametrize("history", [None, [{"created_by": "one"}], [{"created_by": "one"}, {"created_by": "two"}]])
def test_a_history_that_does_not_match_the_layers_is_dropped(site, history):
    site.base = base_image(site.server, f"{site.repository.path}-base", "2", history=history)
    site.run()
    config = site.config()
    if history == [{"created_by": "one"}]:
        with_layer = [line for line in config["history"] if not line.get("empty_layer")]
        assert len(with_layer) == len(config["rootfs"]["diff_ids"])
    else:
        assert "history" not in config


@pytest.fixture
def on_upload(monkeypatch):
    """on_upload(answer) answers each blob upload with `answer`; returns the URLs of the uploads."""
    whole, sent = RegistryHttp.upload, []

    def install(answer):
        def upload(self, image, location, body, size):
            sent.append(location)
            return answer(lambda data, length: whole(self, image, location, data, length), len(sent), body, size)

        monkeypatch.setattr(RegistryHttp, "upload", upload)
        return sent

    return install


def test_a_broken_upload_restarts_from_the_first_byte(site, on_upload):
    def breaks_once(send, number, body, size):
        if number == 1:
            next(iter(body))
            raise requests.ConnectionError("Connection broken")
        return send(body, size)

    sent = on_upload(breaks_once)
    digest = site.run().digest
    assert len(sent) == len(set(sent)) == 5  # three layers and the configuration, one of them twice
    assert site.server.digest(site.repository.path, "content-1") == digest
    assert site.layers()[1]["ai/checkpoint_dir/graph.pb"][0] == b"weights" * 1000


def test_a_finished_upload_with_a_lost_answer_is_found(site, on_upload):
    def deaf_once(send, number, body, size):
        reply = send(body, size)
        if number == 1:
            raise requests.ReadTimeout("no answer")
        return reply

    sent = on_upload(deaf_once)
    site.run()
    assert len(sent) == 4
    assert len(site.layers()) == 4


@pytest.mark.parametrize(
    ("reply", "reason", "attempts"),
    [
        (Reply(413, {}, b"", ""), Reason.LAYER_TOO_LARGE, 1),
        (Reply(403, {}, QUOTA, ""), Reason.REGISTRY_QUOTA_EXCEEDED, 1),
        (Reply(503, {}, b"", ""), Reason.REGISTRY_UNAVAILABLE, 4),
    ],
)
def test_a_registry_that_refuses_a_layer_is_named(site, on_upload, reply, reason, attempts):
    sent = on_upload(lambda *_: reply)
    with pytest.raises(StageError, match=site.server.host) as caught:
        site.run()
    assert (caught.value.reason, len(sent)) == (reason, attempts)
    assert site.server.digest(site.repository.path, "content-1") == ""


@pytest.mark.parametrize("config", ["{}", "[" * 100000, '"text"'], ids=["empty", "deep", "text"])
def test_a_malformed_configuration_of_the_base_is_no_crash(site, config):
    path = f"{site.repository.path}-base"
    blob = site.server.push_blob(path, config.encode())
    manifest = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": blob, "layers": []}
    site.base = f"{site.server.host}/{path}@{site.server.push_manifest(path, 'odd', manifest, OCI_MANIFEST)}"
    if config == "{}":
        site.run()
    else:
        with pytest.raises(StageError, match="not an image manifest") as caught:
            site.run()
        assert caught.value.reason == Reason.DIGEST_INVALID


@pytest.mark.on_disk
def test_a_base_with_a_missing_blob_is_named(site):
    config = json.loads(site.registry.manifest(references.parse(site.base)).data)["config"]["digest"].partition(":")[2]
    (blob,) = site.server.data.rglob(f"{config}/data")
    blob.write_bytes(b"{}")
    with pytest.raises(StageError) as caught:
        site.run()
    assert caught.value.reason == Reason.DIGEST_INVALID
