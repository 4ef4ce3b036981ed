"""Runs the Export stage on this machine, if its package and TensorFlow are installed."""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

from inference_image_contract import inputs, paths, results
from inference_image_contract.hints import explanation
from kubectl_inferenceimage.errors import CommandError

PACKAGE = "inference_image_export"
_NEEDED = (PACKAGE, "tensorflow", "object_detection")


def export(request: inputs.ExportInput, keys: Mapping[str, str]) -> results.Exported:
    """Runs the export as its Job does, in a separate process. `keys` are the UFile keys as environment variables.

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
        result = Path(folder) / "result.json"
        environment = {
            **os.environ,
            **keys,
            paths.INPUT_ENV: inputs.encode(request),
            paths.RESULT_ENV: str(result),
        }
        ended = subprocess.run([sys.executable, "-m", PACKAGE], check=False, env=environment, stdout=sys.stderr)
        return _reported(result.read_bytes() if result.exists() else b"", ended.returncode)


def _reported(report: bytes, code: int) -> results.Exported:
    try:
        if code == 0:
            return msgspec.json.decode(report, type=results.Exported)
        failed = msgspec.json.decode(report, type=results.Failed)
    except msgspec.DecodeError as error:
        raise CommandError(f"The export ended with exit code {code} and without a result.") from error
    raise CommandError(f"The export failed. {failed.reason}: {explanation(failed.message, failed.hint)}")
