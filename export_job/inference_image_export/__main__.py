"""Runs the export or, with the argument `answer`, the frozen graph on a sample.

Reads its input from the environment and writes its result as the container's termination message.
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
    """Runs the program named by the only argument; without one, the export."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it at import: log errors only
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
