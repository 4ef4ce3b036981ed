"""The earlier version: its commit, its files, and what its Jobs report."""

import io
import subprocess
import tarfile
from pathlib import Path

from devcluster import settings
from inference_image_operator.api.stages import Stage
from tests.support.world import DIGEST, GRAPH

COMMIT = "414bc036cfbb71814472fda800419935ff1599f4"
"""The last one before four fields of the status got new names. Publishing is part of its Test stage."""
FOLDERS = ("crds", "deploy/helm", "operator", "job_contract")
SHALLOW = f"it needs the commit {COMMIT}, and this clone is shallow: run `git fetch --unshallow`."

_GIT = ("git", "-C", str(settings.REPOSITORY))
FINGERPRINT = "sha256:" + "f" * 64
CONTENT_HASH = "sha256:" + "c" * 64
REPORTS = {
    Stage.RESOLVE: {
        "resolve": {
            "fingerprint": FINGERPRINT,
            "contentHash": CONTENT_HASH,
            "manifest": {"key": "uai/object-export-output/resolved/c.json", "sha256": "b" * 64},
            "step": 800,
            "files": [{"key": "uai/object-train-output/model.ckpt-800.index", "size": 10, "etag": "e"}],
            "fileCount": 3,
            "numClasses": 3,
            "contextBytes": 1 << 20,
            "baseBytes": 300 << 20,
        }
    },
    Stage.EXPORT: {
        "export": {"graph": {"key": GRAPH.key, "sha256": GRAPH.sha256, "size": GRAPH.size, "tensorflow": "2"}}
    },
    Stage.BUILD: {"report": {"digest": DIGEST, "size": 5000}},
    Stage.TEST: {
        "probe": {"readySeconds": 1.5, "answerSeconds": 0.25},
        "publish": {"digest": DIGEST, "size": 5000, "tags": [{"tag": "test"}]},
    },
}
"""Stage, container, result."""


def is_there() -> bool:
    """Whether this clone has the commit, or at least all of the history. Only a shallow one has neither."""
    known = subprocess.run([*_GIT, "cat-file", "-e", f"{COMMIT}^{{commit}}"], check=False, capture_output=True)
    return known.returncode == 0 or _output("rev-parse", "--is-shallow-repository").strip() != b"true"


def files(folder: Path) -> Path:
    """Writes the files of the earlier version into the folder."""
    archive = _output("archive", COMMIT, *FOLDERS)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


def _output(*arguments: str) -> bytes:
    return subprocess.run([*_GIT, *arguments], check=True, capture_output=True).stdout
