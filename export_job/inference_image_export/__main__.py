"""Runs the export or, with the argument `answer`, the frozen graph on a sample.

Its input is in the environment, its result where the kubelet looks for it.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from inference_image_contract import inputs, paths, results
from inference_image_contract.reasons import ExitCode
from inference_image_export.answer import answer
from inference_image_export.stage import export_stage
from inference_image_store import Credentials, Store, environment_secrets, to_stderr


def main(arguments: list[str]) -> ExitCode:
    """Runs what the only argument names, the export without one."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it when it is imported: errors only
    to_stderr()
    return results.run(STEPS[arguments[0] if arguments else EXPORT], environment_secrets())


def _export() -> results.Result:
    stage = inputs.from_environment(inputs.ExportInput)
    return export_stage(stage, Store(stage.ufile, Credentials.from_environment()))


def _answer() -> results.Result:
    stage = inputs.from_environment(inputs.AnswerInput)
    return answer(stage, Store(stage.ufile, Credentials.from_environment()), Path(paths.GRAPH_ANSWER))


EXPORT = "export"
STEPS: Mapping[str, Callable[[], results.Result]] = {EXPORT: _export, "answer": _answer}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
