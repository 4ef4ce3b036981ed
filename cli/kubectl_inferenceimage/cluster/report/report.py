"""`report`: writes the archive, masked, for the person to read before it is sent."""

import io
import os
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import yaml

from inference_image_contract.paths import UFILE_KEY_ENVS
from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.report.collect import Collector, Part
from kubectl_inferenceimage.cluster.report.masking import masked, masked_text
from kubectl_inferenceimage.errors import CommandError

_FOLDER = "inferenceimage-report"
_README = """\
A report about {what}, made by `kubectl inferenceimage report` at {time}.

It has the objects, their Jobs, pods and Events, the last lines of the logs of their containers, the operator's
Deployment and its log, and versions. Secrets and ConfigMaps were not read. What looks like a secret is masked with
***: values of variables and arguments by their names, logins in URLs, tokens and keys by their form. A secret that
looks like an ordinary word is not recognized: read the files before you send them.

"""
_WIDTH = 1 << 30
"""Columns of a line of YAML: none is folded, so that each stays one text."""


def report(cluster: Cluster, name: str, output: str) -> None:
    """Writes the archive and prints its path. Raises CommandError."""
    now = datetime.now(UTC)
    path = Path(output or _default(cluster.namespace, name, now))
    secrets = [os.environ[variable] for variable in UFILE_KEY_ENVS if os.environ.get(variable)]
    collector = Collector(cluster)
    files = {part.path: _masked(part, secrets) for part in collector.parts(name)}
    missing = [masked_text(text, secrets) for text in dict.fromkeys(collector.missing)]
    what = f"InferenceImage {cluster.namespace}/{name}" if name else f"the namespace {cluster.namespace}"
    left_out = [f"- {text}" for text in missing] or ["- nothing"]
    readme = _README.format(what=what, time=now.isoformat(timespec="seconds"))
    files["README.txt"] = "\n".join([f"{readme}Not in it, because it could not be read:", *left_out, ""])
    _write(path, files, now)
    print(path)
    for line in left_out if missing else ():
        print(f"Not in it: {line[2:]}")
    print("Nothing was sent. Read it before you send it: what looks like a secret is masked, other secrets are not.")


def _default(namespace: str, name: str, now: datetime) -> str:
    return "-".join(part for part in (_FOLDER, namespace, name, f"{now:%Y%m%dT%H%M%SZ}.tar.gz") if part)


def _masked(part: Part, secrets: list[str]) -> str:
    """The text of a file."""
    if isinstance(part.content, str):
        return masked_text(part.content, secrets)
    return yaml.safe_dump(masked(part.content, secrets), width=_WIDTH, allow_unicode=True)


def _write(path: Path, files: dict[str, str], now: datetime) -> None:
    """Only its owner may read it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise CommandError(f"{path} exists. Give another --output, or delete it.") from error
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    with os.fdopen(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in sorted(files.items()):
            data = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{_FOLDER}/{name}")
            entry.size, entry.mtime, entry.mode = len(data), int(now.timestamp()), 0o600
            archive.addfile(entry, io.BytesIO(data))
