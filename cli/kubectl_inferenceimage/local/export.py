"""Runs the Export stage on this machine, if its package and TensorFlow are installed."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from inference_image_contract import graph_keys, inputs, paths, results
from inference_image_contract.hints import explanation
from kubectl_inferenceimage.errors import CommandError

R = TypeVar("R", bound=results.Result)

PACKAGE = "inference_image_export"
_NEEDED = (PACKAGE, "tensorflow", "object_detection")


def export(request: inputs.ExportInput, keys: Mapping[str, str]) -> results.Exported:
    """Runs the export's steps as its Job does, each in a separate process; the one that runs graphs has no key.

    `keys` are the UFile keys as environment variables.

    Raises CommandError when it cannot run here or fails.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"The graph of this checkpoint is not in UFile yet, and it cannot be exported here: {', '.join(missing)} "
            "cannot be imported. Apply the manifest once, so that the cluster exports it, or install the packages "
            "of the export (docs/guides/laptop.md)."
        )
    with tempfile.TemporaryDirectory(prefix="inferenceimage-") as folder:
        common = os.environ | {paths.INPUT_ENV: inputs.encode(request), paths.WORKSPACE_ENV: folder}
        plain = {name: value for name, value in common.items() if name not in paths.UFILE_KEY_ENVS}
        _run("download", plain | dict(keys), results.HandedOn)
        _run("export", plain, results.HandedOn)
        exported = _run("upload", plain | dict(keys), results.Exported)
        return replace(exported, graph=graph_keys.whole(exported.graph))


def _run(step: str, environment: Mapping[str, str], kind: type[R]) -> R:
    """One step in a process of its own. Raises CommandError when it fails."""
    with tempfile.TemporaryDirectory(prefix="inferenceimage-") as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", PACKAGE, step]
        told = {**environment, paths.RESULT_ENV: str(result)}
        ended = subprocess.run(command, check=False, env=told, stdout=sys.stderr)
        return _reported(result.read_bytes() if result.exists() else b"", ended.returncode, kind)


def _reported(report: bytes, code: int, kind: type[R]) -> R:
    try:
        if code == 0:
            return msgspec.json.decode(report, type=kind)
        failed = msgspec.json.decode(report, type=results.Failed)
    except msgspec.DecodeError as error:
        raise CommandError(f"The export ended with exit code {code} and without a result.") from error
    raise CommandError(f"The export failed. {failed.reason}: {explanation(failed.message, failed.hint)}")
