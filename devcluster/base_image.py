"""Makes the base image of all others: Debian trixie with Python 3.13, equal to python:3.13-slim for our purpose."""

import hashlib
import os
from pathlib import Path

from devcluster import buildah, cached, oci, settings
from devcluster.progress import step
from devcluster.run import run

SUITE = "trixie"
INCLUDE = ("ca-certificates", "python3", "python3-venv")
EXCLUDE = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
CONFIG = {"Cmd": ["python3"], "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]}


def ensure() -> Path:
    """The OCI layout of the base image, made when it is not cached."""
    key = hashlib.sha256(repr((SUITE, INCLUDE, EXCLUDE, CONFIG, buildah.COMPRESSION_LEVEL)).encode()).hexdigest()[:16]
    target = settings.cache() / "images" / f"base-{key}"
    if not target.is_dir():
        with step(f"Making the base image (Debian {SUITE}, Python 3.13)", "about 40 s"):
            _make(target)
    return target


def _make(target: Path) -> None:
    with cached.fill(target) as scratch:
        tar = scratch / "root.tar"
        excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDE]
        run(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(INCLUDE)}", *excluded, SUITE, tar],
            env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
        )
        raw = scratch / f"raw-{target.name}"
        oci.write_layout(raw, settings.BASE_IMAGE, tar.read_bytes(), CONFIG)
        buildah.export(buildah.load(raw), scratch / "result")
