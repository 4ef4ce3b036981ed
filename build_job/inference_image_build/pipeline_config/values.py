"""Reads a config with the same parser as the export: what passes here passes there."""

import re
from typing import Any

from google.protobuf import text_format

from inference_image_build.pipeline_config import places, schema
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.textproto import MAX_DEPTH, Message
from inference_image_contract.reasons import Reason

_ERROR = re.compile(r"\d+:\d+ : (?:'.*': )?(?P<what>.*)", re.DOTALL)
"""Protobuf's error text: place, usually the whole line, then what is wrong."""


def parse(text: str, tree: Message) -> Any:  # noqa: ANN401 - protobuf is untyped
    """The message `TrainEvalPipelineConfig` that `text` holds, or the Finding that says why it is invalid.

    `tree` is the same text, parsed without a schema.
    """
    message = schema.root()()
    try:
        return text_format.Parse(text, message, max_recursion_depth=MAX_DEPTH)
    except text_format.ParseError as error:
        return _finding(error, tree)


def _finding(error: text_format.ParseError, tree: Message) -> Finding:
    at = places.Place(error.GetLine() or 1, error.GetColumn() or 1)
    found = _ERROR.fullmatch(str(error))
    what = found["what"].rstrip(".") if found else str(error)
    field = places.field_at(tree, schema.root().DESCRIPTOR, at)
    if field is not None:
        what = f"`{field.path}` takes {schema.kind(field.descriptor)}: {what}"
    return Finding(Reason.PIPELINE_CONFIG_INVALID, at.line, at.column, what)
