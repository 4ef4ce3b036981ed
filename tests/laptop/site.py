"""The services of a build on a laptop: UFile and a registry on loopback, with a base image and a pipeline's files."""

import base64
import contextlib
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import requests
import yaml

from devcluster.ufile import KeyPair, StandIn, running
from inference_image_build.registry.client import MANIFEST_TYPES, Registry
from inference_image_build.source.pin import Mounts
from inference_image_build.steps.resolve import resolve
from inference_image_contract import inputs
from inference_image_store import Credentials, Store
from inference_image_store.artifacts import RESULT, export_folder
from kubectl_inferenceimage import installation, manifest, pipeline
from tests.support.image_tables import index
from tests.support.registries.docker_registry import RegistryServer, htpasswd, serve_registry
from tests.support.registries.tls import make_tls

PUBLIC_KEY, PRIVATE_KEY = "TOKEN_public_1", "canary-private-key-1"
USER, PASSWORD = "demo@example.com", "canary:registry-password"
SECRETS = (PRIVATE_KEY, PASSWORD)
NOWHERE = Path("/nonexistent")
GRAPH = b"the frozen graph" * 100
EXAMPLE = Path(__file__).parents[2] / "examples" / "object-detect"
LABEL_MAP = "".join(f"item {{\n  id: {i}\n  name: '{name}'\n}}\n" for i, name in enumerate(("disc", "box", "star"), 1))
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
ADD code /ai
LABEL greeting="$GREETING"
"""


@dataclass
class Site:
    """The files and running servers of one build."""

    folder: Path
    ufile: StandIn
    registry: RegistryServer
    repository: str

    @property
    def store(self) -> Store:
        location = inputs.UFile(bucket=self.ufile.bucket, scheme="http", suffix=self.ufile.suffix)
        return Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY), first_pause=0.01)

    @property
    def values(self) -> Path:
        """Values of the chart for an installation that allows this site."""
        return self._write(
            "values.yaml",
            {
                "config": {
                    "registries": {"allowed": [self.registry.host]},
                    "ufile": {"allowedEndpoints": [{"scheme": "http", "suffix": self.ufile.suffix}]},
                }
            },
        )

    @property
    def keys(self) -> Path:
        return self._write("keys.yaml", {"publicKey": PUBLIC_KEY, "privateKey": PRIVATE_KEY})

    @property
    def login(self) -> Path:
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return self._write("logins.json", {"auths": {self.registry.host: {"auth": auth}}})

    def manifest(self, **spec: Any) -> Path:
        """The manifest of this site's pipeline."""
        document = {
            "apiVersion": "uai.ucloud.cn/v1alpha1",
            "kind": "InferenceImage",
            "metadata": {"name": "detector"},
            "spec": {
                "ufile": {
                    "bucket": self.ufile.bucket,
                    "endpoint": {"scheme": "http", "suffix": self.ufile.suffix},
                    "secretRef": {"name": "ufile"},
                },
                "model": {
                    "prefix": "train/",
                    "checkpoint": {"step": 800},
                    "labelMap": "prep/label_map.pbtxt",
                },
                "source": {"ufile": {"prefix": "source/"}},
                "build": {"args": {"BASE": f"{self.registry.host}/base:1"}},
                "image": {
                    "repository": f"{self.registry.host}/{self.repository}",
                    "tags": ["test"],
                    "pushSecretRef": {"name": "uhub"},
                    "caSecretRef": {"name": "uhub-ca"},
                },
            }
            | spec,
        }
        return self._write("inferenceimage.yaml", document)

    def flags(self) -> list[str]:
        """The common arguments of a build at this site."""
        return [
            *("build", "--local", f"--values={self.values}", f"--ufile-keys={self.keys}"),
            *(f"--authfile={self.login}", f"--registry-ca={self.registry.tls.ca}"),
        ]

    def export(self, path: Path, config_map: Path = NOWHERE) -> None:
        """Writes to UFile what the Export stage would write for a manifest."""
        planned = pipeline.first(manifest.read(str(path)), installation.read(str(self.values)))
        stage = pipeline.step_input(planned, "resolve", inputs.ResolveInput)
        registry = Registry(stage.registry, self.login, self.registry.tls.ca)
        fingerprint = resolve(stage, self.store, registry, Mounts(config_map, NOWHERE, NOWHERE)).fingerprint
        folder = export_folder(stage.output_prefix, fingerprint)
        graph = inputs.Graph(
            key=f"{folder}frozen_inference_graph.pb", sha256=hashlib.sha256(GRAPH).hexdigest(), size=len(GRAPH)
        )
        self.store.write(GRAPH, graph.key)
        self.store.write(msgspec.json.encode(graph), folder + RESULT)

    def _write(self, name: str, document: object) -> Path:
        path = self.folder / name
        text = json.dumps(document) if name.endswith(".json") else yaml.safe_dump(document)
        path.write_text(text)
        return path


@contextlib.contextmanager
def site(folder: Path) -> Iterator[Site]:
    """A new site under `folder`, with everything but the graph."""
    with contextlib.ExitStack() as stack:
        stand_in = stack.enter_context(running(folder / "ufile", [KeyPair(PUBLIC_KEY, PRIVATE_KEY)]))
        tls = make_tls(folder)
        host = stack.enter_context(serve_registry(folder, tls, htpasswd(folder, USER, PASSWORD)))
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        session.auth, session.verify = (USER, PASSWORD), str(tls.ca)
        server = RegistryServer(host, tls, folder / "data", USER, PASSWORD, session)
        push_base(server)
        found = Site(folder, stand_in, server, "demo/detector")
        for key, data in _objects().items():
            found.store.write(data, key)
        yield found


def push_base(server: RegistryServer) -> None:
    """A base image that an engine can unpack: one layer with one file."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        info = tarfile.TarInfo("etc/base")
        info.size = len(b"base\n")
        archive.addfile(info, io.BytesIO(b"base\n"))
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain.getvalue()).hexdigest()}"]},
        "history": [{"created_by": "test"}],
    }
    layer = server.push_blob("base", gzip.compress(plain.getvalue(), mtime=0))
    described = server.push_blob("base", json.dumps(config).encode())
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPES[0],
        "config": described | {"mediaType": "application/vnd.oci.image.config.v1+json"},
        "layers": [layer],
    }
    server.push_manifest("base", "1", document, MANIFEST_TYPES[0])


def _objects() -> dict[str, bytes]:
    return {
        "train/model.ckpt-800.index": index(len(b"weights")),
        "train/model.ckpt-800.data-00000-of-00001": b"weights",
        "train/model.ckpt-800.meta": b"meta",
        "train/pipeline.config": (EXAMPLE / "training" / "pipeline.config").read_bytes(),
        "prep/label_map.pbtxt": LABEL_MAP.encode(),
        "source/Dockerfile": DOCKERFILE.encode(),
        "source/code/infer.py": b"print()\n",
    }
