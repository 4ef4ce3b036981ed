"""Makes the base images from Debian packages: equivalent to public images for our purpose."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devcluster import settings
from devcluster.images import buildah, oci
from devcluster.lib import cached
from devcluster.lib.progress import step
from devcluster.lib.run import run

EXCLUDE = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Base:
    """A Debian release with a few packages."""

    reference: str
    """Repository and tag in the registry."""
    suite: str
    include: tuple[str, ...]
    command: str

    @property
    def config(self) -> dict[str, Any]:
        """The OCI image configuration."""
        return {"Cmd": [self.command], "Env": [PATH]}


PYTHON = Base(settings.BASE_IMAGE, "trixie", ("ca-certificates", "python3", "python3-venv"), "python3")
"""Stands in for python:3.13-slim."""
DEBIAN_11 = Base(f"{settings.REGISTRY_HOST}/library/debian:bullseye", "bullseye", ("ca-certificates",), "bash")
"""Stands in for debian:bullseye-slim, the last release with Python 2.7."""


def ensure(base: Base = PYTHON) -> Path:
    """The OCI layout of a base image; makes it unless it is cached."""
    inputs = (base.suite, base.include, EXCLUDE, base.config, buildah.COMPRESSION_LEVEL)
    key = hashlib.sha256(repr(inputs).encode()).hexdigest()[:16]
    target = settings.cache() / "images" / f"base-{key}"
    if not cached.is_filled(target):
        with step(f"Making a base image (Debian {base.suite})", "about 40 s"):
            _make(base, target)
    return target


def _make(base: Base, target: Path) -> None:
    with cached.fill(target) as scratch:
        tar = scratch / "root.tar"
        excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDE]
        run(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(base.include)}", *excluded, base.suite, tar],
            env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
        )
        raw = scratch / f"raw-{target.name}"
        oci.write_layout(raw, base.reference, tar.read_bytes(), base.config)
        buildah.export(buildah.load(raw), scratch / "result")
