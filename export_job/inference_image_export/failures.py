"""Turns the exporter's errors into failures that tell a person what to do. Pure: it needs no TensorFlow."""

import re

from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_export.fetch import Source

_API = "the Object Detection API of TensorFlow 1 (autumn 2019)"

_PARSE_ERROR = re.compile(r"(?P<line>\d+):(?P<column>\d+) ?: ?(?P<what>.*)", re.DOTALL)
_MISSING_KEY = re.compile(r"Key (?P<key>\S+) not found in checkpoint")
_SHAPES = re.compile(r"lhs shape= ?(?P<model>\[[\d,]*\]) rhs shape= ?(?P<checkpoint>\[[\d,]*\])")
_NODE_LINE = re.compile(r"^Node: .*\n(?P<what>.+)$", re.MULTILINE)
_UNKNOWN_MODEL = re.compile(r"Unknown (?:\w+ )?(?:feature_extractor|meta architecture)\b")
_DAMAGED = ("DataLossError", "OutOfRangeError")
_MAX_LINE = 300


def config_failure(error: str, key: str) -> StageError:
    """The failure of a pipeline config that cannot be parsed; `error` is protobuf's text."""
    place = _PARSE_ERROR.match(error)
    where = f"{key}, line {place['line']}, column {place['column']}" if place else key
    what = _one_line(place["what"] if place else error)
    return StageError(
        Reason.PIPELINE_CONFIG_INVALID,
        f"{where}: {what}",
        f"The export parses the config with {_API}: fix or remove this field, upload it, {REQUEST_AGAIN}",
    )


def export_failure(error: Exception, source: Source, variable: str = "") -> StageError:
    """The failure for an exception of the exporter.

    `variable` is the name of the variable that was not restored, if known.
    """
    text = str(error).replace(f"{source.checkpoint_prefix.parent}/", "")
    missing, shapes = _MISSING_KEY.search(text), _SHAPES.search(text)
    if missing:
        return _missing_variable(missing["key"], source)
    if shapes:
        return _other_shape(shapes["model"], shapes["checkpoint"], variable or "a variable", source)
    if type(error).__name__ in _DAMAGED:
        return damaged(useful_line(text), source)
    if isinstance(error, NotImplementedError) or _UNKNOWN_MODEL.search(text):
        return StageError(
            Reason.PIPELINE_CONFIG_INVALID,
            f"{source.pipeline_config_key} requires something that the export does not support: {useful_line(text)}",
            f"The export supports {_API} without quantization: train a model of one of its types.",
        )
    return StageError(
        Reason.EXPORT_FAILED,
        f"The exporter failed on {source.checkpoint_key}: {useful_line(text) or type(error).__name__}",
        f"Check that {source.pipeline_config_key} is the config of this training. The Job's log has the traceback.",
    )


def damaged(how: str, source: Source) -> StageError:
    """The failure for a checkpoint with damaged bytes."""
    return StageError(
        Reason.CHECKPOINT_DAMAGED,
        f"The checkpoint {source.checkpoint_key} is damaged: {how.rstrip('.')}.",
        f"Upload all files of this checkpoint again, or choose another in spec.model.checkpoint, {REQUEST_AGAIN}",
    )


def useful_line(text: str) -> str:
    """The informative line of a TensorFlow error: the one after `Node:`, else the first."""
    node = _NODE_LINE.search(text)
    return _one_line(node["what"] if node else next((line for line in text.splitlines() if line.strip()), ""))


def _missing_variable(key: str, source: Source) -> StageError:
    averages = key.endswith("/ExponentialMovingAverage")
    return StageError(
        Reason.EXPORT_FAILED,
        f"The checkpoint {source.checkpoint_key} has no variable {key}, which {source.pipeline_config_key} requires.",
        f"The training kept no moving averages: set eval_config.use_moving_averages to false, {REQUEST_AGAIN}"
        if averages
        else f"Set spec.model.pipelineConfig to the config that this checkpoint was trained with, {REQUEST_AGAIN}",
    )


def _other_shape(model: str, checkpoint: str, variable: str, source: Source) -> StageError:
    return StageError(
        Reason.EXPORT_FAILED,
        f"{variable} has shape {checkpoint} in the checkpoint {source.checkpoint_key}, "
        f"and {model} in the model of {source.pipeline_config_key}.",
        "Config and checkpoint belong to different trainings (often another num_classes): set "
        f"spec.model.pipelineConfig to the config that this checkpoint was trained with, {REQUEST_AGAIN}",
    )


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_LINE else line[: _MAX_LINE - 1] + "…"
