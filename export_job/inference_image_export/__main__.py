"""Runs the export; its input is in the environment, its result where the kubelet looks for it."""

import os
import sys

from inference_image_contract import inputs, paths, results
from inference_image_contract.reasons import ExitCode
from inference_image_export.stage import export_stage
from inference_image_store import Credentials, Store, to_stderr


def main() -> ExitCode:
    """Runs the one stage of this image."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it when it is imported: errors only
    to_stderr()
    secrets = (os.environ.get(paths.PUBLIC_KEY_ENV, ""), os.environ.get(paths.PRIVATE_KEY_ENV, ""))
    return results.run(_stage, secrets)


def _stage() -> results.Result:
    stage = inputs.from_environment(inputs.ExportInput)
    return export_stage(stage, Store(stage.ufile, Credentials.from_environment()))


if __name__ == "__main__":
    sys.exit(main())
