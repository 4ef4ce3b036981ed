"""The setting of the builder comparison: a registry on loopback, a base image, and a build context of a given size."""

import contextlib
import gzip
import hashlib
import io
import json
import random
import shutil
import tarfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from inference_image_build.append.image import OCI_MANIFEST
from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference, parse
from inference_image_contract import inputs
from tests.support.registries.docker_registry import serve_registry

MIB = 1 << 20
BASE_SIZE = 64 * MIB
"""Bytes of the base image's only, incompressible layer. A real base is larger: it costs builders that unpack it."""
DOCKERFILE = """\
FROM {base}
EXPOSE 8080
ENV UAI_SERVICE_CONFIG=/ai/conf.json
COPY code/checkpoint_dir/ /ai/checkpoint_dir/
COPY code/*.py /ai/
COPY object-detect.conf /ai/conf.json
WORKDIR /ai
CMD ["python3", "-m", "inference_server"]
"""
_PIECE = 64 * MIB
"""`randbytes` makes less than 256 MiB at once."""
WEIGHTS = "code/checkpoint_dir/frozen_inference_graph.pb"


@dataclass(frozen=True)
class Site:
    """An HTTP registry on loopback, and the base image in it."""

    host: str
    base: str
    folder: Path
    """The registry's storage."""

    @property
    def kept(self) -> int:
        """Bytes in the registry's storage."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def registry(self) -> Registry:
        """Our client."""
        return client(self.host)

    def blob(self, path: str, digest: str) -> bytes:
        """A whole blob, downloaded without our own client."""
        with urllib.request.urlopen(f"http://{self.host}/v2/{path}/blobs/{digest}", timeout=60) as reply:
            return reply.read()

    def image(self, path: str) -> ImageReference:
        return ImageReference(self.host, path, "latest", "")


def client(host: str) -> Registry:
    """Our client for a registry without TLS and without credentials."""
    allowed = inputs.Registry(repository=f"{host}/any", plain_http_hosts=(host,))
    return Registry(allowed, Path("/nonexistent"), Path("/nonexistent"))


@contextlib.contextmanager
def site(folder: Path, base_size: int = BASE_SIZE) -> Iterator[Site]:
    """A new registry with a base image of so many bytes, all below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with serve_registry(folder, None, {}) as host:
        yield Site(host, _push_base(host, base_size), folder)


def _push_base(host: str, size: int) -> str:
    """Pushes the base image; returns its reference by digest."""
    image, registry = parse(f"{host}/bench/base:1"), client(host)
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        users = {"etc/passwd": b"root:x:0:0::/root:/bin/sh\n", "etc/group": b"root:x:0:\n"}
        for name, data in (users | {"opt/libraries": _noise(1, size)}).items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    layer = gzip.compress(plain.getvalue(), 1, mtime=0)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"], "User": "65532:65532"},
        "rootfs": {"type": "layers", "diff_ids": [_sha256(plain.getvalue())]},
        "history": [{"created_by": "bench"}],
    }
    encoded = json.dumps(config).encode()
    kinds = ("application/vnd.oci.image.config.v1+json", "application/vnd.oci.image.layer.v1.tar+gzip")
    descriptors = []
    for kind, data in zip(kinds, (encoded, layer), strict=True):
        registry.push_blob(image, Descriptor(_sha256(data), len(data)), lambda data=data: iter((data,)))
        descriptors.append({"mediaType": kind, "digest": _sha256(data), "size": len(data)})
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptors[0], "layers": [descriptors[1]]}
    manifest = Manifest(json.dumps(document).encode(), OCI_MANIFEST)
    registry.put_manifest(image, "1", manifest)
    return image.pinned(manifest.digest)


def _sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _noise(seed: int, size: int) -> bytes:
    generator = random.Random(seed)  # noqa: S311 - equal bytes for equal seeds, no secret
    return b"".join(generator.randbytes(min(_PIECE, size - done)) for done in range(0, size, _PIECE))


def make_context(workspace: Path, base: str, weights: int, *, seed: int = 2, code: str = "print(1)\n") -> None:
    """Writes `context/` and `Dockerfile` as `assemble` does: modes 0644 and 0755, incompressible weights."""
    context = workspace / "context"
    shutil.rmtree(context, ignore_errors=True)
    (context / WEIGHTS).parent.mkdir(parents=True)
    with (context / WEIGHTS).open("wb") as file:
        for part in range(0, weights, 16 * MIB):
            file.write(_noise(seed + part, min(16 * MIB, weights - part)))
    (context / WEIGHTS).with_name("label_map.pbtxt").write_text("item { id: 1 name: 'disc' }\n")
    (context / "code/infer.py").write_text(code)
    (context / "object-detect.conf").write_text("{}\n")
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (workspace / "Dockerfile").write_text(DOCKERFILE.format(base=base))
