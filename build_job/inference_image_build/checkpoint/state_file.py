r"""Reads the file `checkpoint`, in which TensorFlow's Saver records the newest checkpoint. Pure.

Its paths are those of the machine that trained, so only the name at their end counts. A file written by hand on Windows
may contain paths with single backslashes (`D:\run2\model.ckpt-800`), which the text format takes for escapes.
"""

import re

from google.protobuf import text_format

from inference_image_build.pipeline_config import schema
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.text_encoding import EncodingError, decode

_PATHS = re.compile(
    r"(?P<field>_checkpoint_paths?\s*:\s*)(?P<quote>[\"'])(?P<path>[^\n]{0,4096}?)(?P=quote)(?P<rest>[ \t\r]*$)",
    re.MULTILINE,
)
_ESCAPED = re.compile(r"(?:[^\\]|\\\\|\\[\"']|\\[0-3][0-7]{2})*")
"""What TensorFlow writes: escaped backslashes, escaped quotes, and the bytes of other characters in octal."""
_ERROR = re.compile(r"(?P<line>\d+):(?P<column>\d+) : (?:'.*': )?(?P<what>.*)", re.DOTALL)


def named(data: bytes, key: str) -> str:
    """The name of the newest checkpoint, such as `model.ckpt-800`; empty when the file names none.

    Raises StageError (`CheckpointStateInvalid`) when the file is unreadable: then nobody knows which one is the newest.
    """
    try:
        text = decode(data)
        state = text_format.Merge(
            _PATHS.sub(_with_escapes, text), schema.checkpoint_state()(), allow_unknown_field=True
        )
    except EncodingError as error:
        raise _invalid(key, str(error)) from error
    except text_format.ParseError as error:
        found = _ERROR.fullmatch(str(error))
        what = f"line {found['line']}, column {found['column']}: {found['what']}" if found else str(error)
        raise _invalid(key, " ".join(what.split())) from error
    return re.split(r"[\\/]", state.model_checkpoint_path)[-1]


def _with_escapes(match: re.Match[str]) -> str:
    path = match["path"]
    if not _ESCAPED.fullmatch(path):
        path = re.sub(r"\\+", r"\\\\", path)
    return f"{match['field']}{match['quote']}{path}{match['quote']}{match['rest']}"


def _invalid(key: str, what: str) -> StageError:
    return StageError(
        Reason.CHECKPOINT_STATE_INVALID,
        f"{key}, in which the training records its newest checkpoint, cannot be read: {what.rstrip('.')}.",
        "Set spec.model.checkpoint.step, which needs no such file; or upload the file that the training wrote, or "
        f"delete it, so that the highest step counts as the newest, {REQUEST_AGAIN}",
    )
