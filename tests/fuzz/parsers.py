"""The parsers as functions of bytes, and valid examples. Each imports what it needs when it is called."""

import gzip
import io
import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory


def archive(name: str, pack: Callable[[bytes], bytes] = bytes) -> Callable[[bytes], object]:
    """The fuzzer changes what is in the archive; `pack` compresses it, so that its checksum is right."""

    def parse(data: bytes) -> None:
        from inference_image_build.source import archive

        with TemporaryDirectory() as folder:
            path = Path(folder, "archive")
            path.write_bytes(pack(data))
            for entry in archive.entries(path, name):
                sum(map(len, entry.content))

    return parse


def tars() -> list[bytes]:
    from tests.support.archives import tar_gz

    plain = gzip.decompress(tar_gz({"a/b.py": b"x" * 600, "Dockerfile": b"FROM a\n", "é" * 60: b""}))
    return [plain, gzip.decompress(tar_gz({"a" * 120 + "/" + "b" * 120: b"y", "./c": b"z"}))]


def zips() -> list[bytes]:
    from tests.support.archives import zipped

    return [zipped({"a/b.py": b"x" * 600, "é.txt": b"y"}), zipped({"a\\b": b""}), zipped({})]


def dockerfile(data: bytes) -> None:
    from inference_image_build.builders import features
    from inference_image_build.dockerfile import copied_files, directives, parse

    instructions = parse.read(data, "Dockerfile")
    uses = parse.images(instructions, {"A": "b"}, "Dockerfile")
    pins = {use.image: "h.example/p@sha256:" + "1" * 64 for use in uses}
    again = parse.read(parse.pin(data, {"A": "b"}, pins, "Dockerfile"), "Dockerfile")
    assert len(again) == len(instructions)
    list(copied_files.copied(instructions, [copied_files.File("a/b", 1, 1)], {}))
    try:
        features.read(instructions, directives.read(data.decode()), {"A": "b"}, {})
    except ValueError:  # documented, and explained by the builders
        return


def dockerignore(data: bytes) -> None:
    from inference_image_build.dockerfile import ignore

    ignore.kept(ignore.parse(data, ".dockerignore"), ["a/b/c.py", "a", "x" * 200, "/".join("y" * 40)], ".dockerignore")


def git_pack(data: bytes) -> None:
    from inference_image_build.source.git import pack

    try:
        pack.check(io.BytesIO(data), pack.Limits())
    except (pack.PackError, pack.PackTooLargeError):
        return


def packs() -> list[bytes]:
    """A commit, a tree and a blob, and a delta."""

    def one(kind: int, data: bytes, base: bytes = b"") -> bytes:
        size = len(data)
        head = bytes([kind << 4 | size & 15 | (0x80 if size > 15 else 0)]) + (bytes([size >> 4]) if size > 15 else b"")
        return head + base + zlib.compress(data)

    objects = [
        one(3, b"x" * 100),
        one(2, b"100644 a\0" + b"y" * 20),
        one(1, b"tree " + b"0" * 40),
        one(6, b"\x64\x02\x01a", b"\x05"),
    ]
    head = b"PACK" + (2).to_bytes(4, "big")
    return [head + len(objects).to_bytes(4, "big") + b"".join(objects) + b"z" * 20]


def git_tree(data: bytes) -> None:
    from dulwich.objects import Blob, Commit, ShaFile, Tree

    from inference_image_build.source.git import tree
    from inference_image_build.source.git.remote import parse

    class Store:
        """Every folder is the tree, every file a blob."""

        def __getitem__(self, name: bytes) -> ShaFile:
            return Blob.from_string(b"x") if name.startswith(b"1") else ShaFile.from_raw_string(Tree.type_num, data)

    commit = Commit()
    commit.tree = b"0" * 40
    for entry in tree.entries(Store(), commit, "", parse("https://git.example/a")):
        sum(map(len, entry.content))


def pipeline_config(data: bytes) -> None:
    from inference_image_build import pipeline_config

    pipeline_config.check(data, "pipeline.config")


def label_map(data: bytes) -> None:
    from inference_image_build.checkpoint import label_map

    label_map.label_ids(data, "label_map.pbtxt")


def state_file(data: bytes) -> None:
    from inference_image_build.checkpoint import state_file

    state_file.named(data, "checkpoint")


def index(data: bytes) -> None:
    from inference_image_contract import checkpoint_index as index

    for read in (index.shard_sizes, index.model_bytes, index.is_object_based, index.tensors):
        try:
            read(data)
        except index.InvalidIndexError:
            continue


def indexes() -> list[bytes]:
    from tests.support.image_tables import index

    return [index(8), index(1000, 2000, 4000), index(*range(2, 30))]


def report(data: bytes) -> None:
    from datetime import UTC, datetime

    from inference_image_operator.api.stages import Stage
    from inference_image_operator.api.steps import MAIN
    from inference_image_operator.diagnosis.outcomes import assess
    from inference_image_operator.observed import Container, Job, Pod

    text = data.decode(errors="replace")
    for stage in Stage:
        for code in (0, 10, 137):
            said = Container(name=MAIN[stage], exit_code=code, report=text, message=text, log=text)
            pod = Pod(name="p", uid="u", phase="Failed", created=datetime.now(UTC), message=text, containers=(said,))
            failed = "BackoffLimitExceeded" if code else ""
            job = Job(name="j", uid="u", stage=stage, content="c", attempt=1, complete=not code, failed=failed)
            assess(stage, job, (pod,), ())


def reports() -> list[bytes]:
    import msgspec

    from tests.support.world import RESULTS

    return [msgspec.json.encode(result) for result in RESULTS.values()] + [
        b'{"reason": "OutOfMemory", "message": "m", "hint": "h", "peakMemoryBytes": 1}'
    ]


def kaniko(data: bytes) -> None:
    from inference_image_operator.diagnosis import kaniko_log

    kaniko_log.diagnose(data.decode(errors="replace"))


def ufile(data: bytes) -> None:
    from inference_image_contract import untrusted_json
    from inference_image_contract.inputs import Graph, InputLock
    from inference_image_store import errors
    from inference_image_store.client.objects import FileList
    from inference_image_store.upload.stale_uploads import Uploads

    str(errors.parse(403, data))
    for kind in (FileList, Uploads, Graph, InputLock):
        try:
            untrusted_json.read(data, kind, max_bytes=1 << 20, strict=False)
        except untrusted_json.UntrustedJsonError:
            continue


def registry(data: bytes) -> None:
    from inference_image_build.builders import base_settings
    from inference_image_build.registry import manifests, replies
    from inference_image_build.registry.manifests import Manifest
    from inference_image_build.registry.references import parse

    reply = replies.Reply(404, {"Retry-After": data[:40].decode("latin-1")}, data, "https://h.example/v2/")
    replies.summary(reply)
    assert replies.retry_after(reply) >= 0
    found = replies.document(data)
    if isinstance(found, dict):
        base_settings.of(found)
    document = manifests.document(parse("h.example/a:1"), Manifest(data, "application/json"))
    manifests.amd64(document)
    list(manifests.descriptors(document))
    manifests.layers(document)


def challenge(data: bytes) -> None:
    from inference_image_build.registry import challenges, http, replies

    text = data.decode("latin-1")
    challenges.understood(challenges.parse([text, text[:100]]))
    http._token_of(replies.Reply(200, {}, data, "https://t.example/"))


def answer(data: bytes) -> None:
    from inference_image_build.steps.probe import answers, memory_metric

    memory_metric.resident_bytes(data)
    try:
        answers.detections(data)
    except ValueError:
        return


def picture(data: bytes) -> None:
    import pictures

    try:
        pictures.to_rgb(pictures.open_picture(data))
    except pictures.UnreadablePicture:
        return


def pictures() -> list[bytes]:
    from PIL import Image

    found = []
    for kind in ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP"):
        for mode in ("RGB", "L"):
            out = io.BytesIO()
            Image.linear_gradient("L").resize((24, 16)).convert(mode).save(out, kind)
            found.append(out.getvalue())
    return found


def request(data: bytes) -> None:
    """A request of bytes through gunicorn's parser and the application; a response, or gunicorn's own refusal."""
    from gunicorn.config import Config
    from gunicorn.http.errors import ParseException
    from gunicorn.http.parser import RequestParser

    from inference_server import app

    class Service:
        ready = True

        def place(self, _: int):
            import contextlib

            return contextlib.nullcontext()

        def answer(self, body: bytes) -> object:
            return {"bytes": len(body)}

        class metrics:  # noqa: N801 - an attribute of the service
            @staticmethod
            def answered(*_: object) -> None:
                """Counts nothing."""

            @staticmethod
            def exposition() -> bytes:
                return b""

    started = []
    try:
        for request in RequestParser(Config(), iter([data]), ("127.0.0.1", 1)):
            environ = {
                "PATH_INFO": request.path,
                "REQUEST_METHOD": request.method,
                "wsgi.input": request.body,
                **{name.replace("-", "_"): value for name, value in request.headers if name == "CONTENT-LENGTH"},
            }
            b"".join(app.create_app(Service())(environ, lambda status, _headers: started.append(status)))
            break
    except (ParseException, OSError, StopIteration):
        return


EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The digest of no bytes."""


def depot(data: bytes) -> None:
    """Requests of bytes to the registry that Kaniko and a RUN reach; each gets a response, or the connection ends."""
    import socket
    from threading import Thread
    from types import SimpleNamespace

    from inference_image_build.depot.server import Handler
    from inference_image_build.depot.store import Depot

    with TemporaryDirectory() as folder:
        found = Depot(Path(folder))
        found.add_blob(EMPTY, [])
        client, server = socket.socketpair()
        with client, server:
            reader = Thread(target=lambda: [*iter(lambda: client.recv(65536), b"")])
            writer = Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
            reader.start()
            writer.start()
            try:
                Handler(server, ("127.0.0.1", 1), SimpleNamespace(depot=found))
            finally:
                server.shutdown(socket.SHUT_RDWR)
                writer.join()
                reader.join()
