"""Builds small Dockerfiles with the real builders, and reads the images."""

import http.server
import io
import json
import os
import secrets
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bench.builders import programs
from bench.builders.programs import BuildError, Cost, Target
from bench.builders.site import Site
from devcluster.images import base_image, buildah, oci
from devcluster.lib.in_thread import serving
from inference_image_build.builders import base_settings, check
from inference_image_build.builders.kaniko import rewrite
from inference_image_build.dockerfile import parse
from inference_image_build.registry.references import parse as reference
from inference_image_contract.inputs import BaseSettings
from tests.builders.kept import kept
from tests.builders.packed import PACKED

OWNER = 65532
"""The user of `assemble`, whose files the context has."""
FILES = {
    "a": "A",
    "b.txt": "B",
    "d/x": "X",
    "d/sub/y": "Y",
    "d/secret.key": "K",
    "bin/amd64/tool": "T",
    ".env": "E",
    ".hidden/h": "H",
    "d[1]/$x y*.txt": "S",
    **PACKED,
}
PASSWD = "root:x:0:0::/root:/bin/sh\ngames:x:5:60::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n"
GROUP = "root:x:0:\ngames:x:60:\napp:x:1000:\nwww-data:x:33:\n"
LINKS = {"bin": "usr/bin", "var/run": "/run"}


class File(NamedTuple):
    """A file of an image."""

    content: str
    mode: int = 0o644
    uid: int = 0
    gid: int = 0


@dataclass
class Image:
    """An image: its configuration, and its file system above the base."""

    config: dict[str, Any]
    files: dict[str, File] = field(default_factory=dict)
    folders: dict[str, File] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    layers: int = 0
    """Layers on top of the base."""


@dataclass
class Outcome:
    """What became of a build."""

    image: Image | None = None
    """None if it failed."""
    output: str = ""
    """The end of what a build that failed printed."""


@dataclass(frozen=True)
class Bases:
    """The base images: one with a few files, a distribution, and one with ONBUILD. And a web server."""

    small: str
    system: str
    onbuild: str
    url: str
    registry: str

    def filled(self, text: str) -> str:
        for name in ("small", "system", "onbuild", "url", "registry"):
            text = text.replace(f"<{name}>", getattr(self, name))
        return text

    @property
    def texts(self) -> dict[str, str]:
        """What `filled` writes, which differs in each run -> what it replaces."""
        return {getattr(self, name): f"<{name}>" for name in ("small", "system", "onbuild", "url", "registry")}


class Lab:
    """A registry with base images, and the builders."""

    def __init__(self, site: Site, folder: Path, bases: Bases) -> None:
        self._site = site
        self._folder = folder
        self.bases = bases

    def dockerfile(self, text: str) -> check.Dockerfile:
        """What the checks make of a Dockerfile, with its base images known."""
        data = text.encode()
        uses = parse.images(parse.read(data, "Dockerfile"), {}, "Dockerfile")
        return check.read(data, "Dockerfile", {}, {use.image: self._settings(use.image) for use in uses})

    def rewritten(self, text: str) -> tuple[Path, str]:
        """A workspace with the Dockerfile that Kaniko gets, and its text."""
        workspace = self.workspace(text)
        made = rewrite.rewrite(self.dockerfile(text), text, {}, workspace / "context")
        (workspace / "Dockerfile").write_text(made.dockerfile, newline="")
        (workspace / "Dockerfile.dockerignore").write_text(made.ignore)
        return workspace, made.dockerfile

    def workspace(self, text: str) -> Path:
        """A workspace with this Dockerfile, as `assemble` writes it."""
        workspace = self._folder / secrets.token_hex(4)
        for name, content in FILES.items():
            path = workspace / "context" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            path.chmod(0o644)
        for path in (workspace / "context", *(workspace / "context").rglob("*")):
            os.chown(path, OWNER, OWNER)
        (workspace / "Dockerfile").write_text(text, newline="")
        return workspace

    def build(self, builder: str, workspace: Path) -> Image | None:
        """The image; None if the build failed."""
        if builder == "Kaniko":
            return self.kaniko(workspace).image
        return self._outcome(programs.BUILDERS[builder], workspace).image

    def kaniko(self, workspace: Path, capabilities: Sequence[int] | None = None) -> Outcome:
        """What becomes of a build with Kaniko, which keeps these capabilities; all by default."""
        words = [Path(__file__).read_text(), str(capabilities), *sorted(self._below)]
        build = partial(programs.kaniko, capabilities=capabilities)
        found = kept(workspace, self.bases.texts, words, lambda: msgspec.json.encode(self._outcome(build, workspace)))
        return msgspec.json.decode(found, type=Outcome)

    def _outcome(self, build: Callable[[Path, Target], Cost], workspace: Path) -> Outcome:
        path = f"test/{secrets.token_hex(4)}"
        try:
            build(workspace, Target(f"{self._site.host}/{path}", "t"))
        except BuildError as error:
            return Outcome(output=str(error))
        return Outcome(self.image(path))

    def pinned(self, image: str) -> str:
        """An image by digest."""
        found = reference(image)
        return found.pinned(self._site.registry().manifest(found, found.tag).digest)

    def _settings(self, image: str) -> BaseSettings:
        registry = self._site.registry()
        manifest = registry.manifest(reference(image), reference(image).digest or reference(image).tag)
        return base_settings.of(registry.config(reference(image), manifest))

    def image(self, path: str) -> Image:
        """An image of the registry."""
        manifest = json.loads(self._site.registry().manifest(self._site.image(path), "t").data)
        image = Image(json.loads(self._site.blob(path, manifest["config"]["digest"])))
        for layer in manifest["layers"]:
            if layer["digest"] not in self._below:
                image.layers += 1
                _apply(image, self._site.blob(path, layer["digest"]))
        return image

    @cached_property
    def _below(self) -> set[str]:
        """The layers of the base images."""
        found = set()
        for name in (self.bases.small, self.bases.system, self.bases.onbuild):
            manifest = self._site.registry().manifest(reference(name), reference(name).tag)
            found |= {layer["digest"] for layer in json.loads(manifest.data)["layers"]}
        return found


def _apply(image: Image, layer: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        for info in archive:
            path = "/" + info.name.strip("/.")
            owner = (info.mode, info.uid, info.gid)
            if info.isfile():
                file = archive.extractfile(info)
                assert file is not None
                image.files[path] = File(file.read().decode(errors="replace"), *owner)
            elif info.issym():
                image.links[path] = info.linkname
            else:
                image.folders[path] = File("", *owner)


@contextmanager
def open_lab(site: Site, folder: Path) -> Iterator[Lab]:
    """The lab on a registry."""
    with serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Web)) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        small = _push_small(site, folder, "small", {})
        onbuild = _push_small(site, folder, "onbuild", {"OnBuild": ["ENV TRIGGERED=1"]})
        push(base_image.ensure(), f"{site.host}/base/system:1")
        yield Lab(site, folder, Bases(small, f"{site.host}/base/system:1", onbuild, url, site.host))


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PACKED["data.tar"] if self.path.endswith(".tar") else b"page")

    def log_message(self, *_: object) -> None:
        """Keeps the output clean."""


def _push_small(site: Site, folder: Path, name: str, config: Mapping[str, Any]) -> str:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for folder_name in ("etc", "run", "usr", "usr/bin", "var"):
            info = tarfile.TarInfo(folder_name)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(info)
        for path, text in (("etc/passwd", PASSWD), ("etc/group", GROUP)):
            info = tarfile.TarInfo(path)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
        for path, target in LINKS.items():
            info = tarfile.TarInfo(path)
            info.type, info.linkname = tarfile.SYMTYPE, target
            archive.addfile(info)
    layout = folder / f"layout-{name}"
    settings = {"Env": ["PATH=/usr/bin:/bin", "FROM_BASE=base"], **config}
    oci.write_layout(layout, f"{name}:1", packed.getvalue(), settings)
    push(layout, f"{site.host}/base/{name}:1")
    return f"{site.host}/base/{name}:1"


def push(layout: Path, target: str) -> None:
    """Pushes an OCI layout."""
    subprocess.run(
        ["skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}",
         f"docker://{target}"],
        check=True,
    )  # fmt: skip
