"""Runs the step named by its only argument: download, export, upload, sample or answer.

Reads its input from the environment and writes its result as the container's termination message. `export` and
`answer` run graphs, which are untrusted programs: they refuse to start beside a key.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from inference_image_contract import clock, inputs, paths, results
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_export import transfers
from inference_image_store import Credentials, Store, environment_secrets, to_stderr


def main(arguments: list[str]) -> ExitCode:
    """Runs one step."""
    if len(arguments) != 1 or arguments[0] not in STEPS:
        print(f"usage: python3 -m inference_image_export {'|'.join(STEPS)}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow reads it at import: log errors only
    to_stderr()
    return results.run(STEPS[arguments[0]], environment_secrets(), clock.MARKS)


def _download() -> results.Result:
    stage = inputs.from_environment(inputs.ExportInput)
    return transfers.download(stage, _store(stage.ufile), _place(paths.EXPORT))


def _export() -> results.Result:
    _refuse_keys()
    from inference_image_export.stage import export_stage  # checkpoint and TensorFlow code that transfers do not need

    return export_stage(inputs.from_environment(inputs.ExportInput), _place(paths.EXPORT))


def _upload() -> results.Result:
    stage = inputs.from_environment(inputs.ExportInput)
    return transfers.upload(stage, _store(stage.ufile), _place(paths.EXPORT))


def _sample() -> results.Result:
    stage = inputs.from_environment(inputs.AnswerInput)
    return transfers.sample(stage, _store(stage.ufile), _place(paths.SAMPLE))


def _answer() -> results.Result:
    _refuse_keys()
    from inference_image_export.answer import answer

    stage = inputs.from_environment(inputs.AnswerInput)
    return answer(stage, _place(paths.SAMPLE), _place(paths.GRAPH_ANSWER))


STEPS: Mapping[str, Callable[[], results.Result]] = {
    "download": _download,
    "export": _export,
    "upload": _upload,
    "sample": _sample,
    "answer": _answer,
}


def _store(location: inputs.UFile) -> Store:
    return Store(location, Credentials.from_environment())


def _place(path: str) -> Path:
    """A path of the workspace, which is elsewhere for tests and for the plugin."""
    return Path(os.environ.get(paths.WORKSPACE_ENV, paths.WORKSPACE), Path(path).relative_to(paths.WORKSPACE))


def _refuse_keys() -> None:
    """A process of the same user can read this one's environment, so it must not have keys at all."""
    if environment_secrets():
        raise StageError(
            Reason.INVALID_INPUT,
            "This step runs a graph, but its container has keys of US3.",
            "The operator and the image of this step have different versions. Install both from the same chart.",
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
