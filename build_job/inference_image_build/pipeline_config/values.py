"""Reads a text with the same parser as the export: what passes here passes there."""

import re
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from google.protobuf import text_format

from inference_image_build.pipeline_config import places, schema
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.textproto import MAX_DEPTH, Message
from inference_image_contract.reasons import Reason

_ERROR = re.compile(r"\d+:\d+ : (?:'.*': )?(?P<what>.*)", re.DOTALL)
"""Protobuf's error text: place, usually the whole line, then what is wrong."""
_ESCAPE = re.compile(r"'\S+' codec can't (?:de|en)code ")
"""What Python's codecs say about a backslash that begins no valid escape."""


def parse(text: str, tree: Message) -> Any:  # noqa: ANN401 - protobuf is untyped
    """The message `TrainEvalPipelineConfig` that `text` holds, or the Finding that says why it is invalid.

    `tree` is the same text, parsed without a schema.
    """
    return _read(partial(text_format.Parse, max_recursion_depth=MAX_DEPTH), text, tree, schema.root())


def merge(text: str, tree: Message, kind: Any) -> Any:  # noqa: ANN401
    """As `parse`, for another message class; of a field that is set several times, the last counts."""
    return _read(text_format.Merge, text, tree, kind)


def _read(parser: Callable[[str, Any], Any], text: str, tree: Message, kind: Any) -> Any:  # noqa: ANN401
    message = kind()
    try:
        with warnings.catch_warnings():
            # Protobuf keeps the backslash of an unknown escape, such as in `C:\\me`, and Python warns about it.
            warnings.simplefilter("ignore", DeprecationWarning)
            return parser(text, message)
    except text_format.ParseError as error:
        return _finding(error, tree, message.DESCRIPTOR)


def _finding(error: text_format.ParseError, tree: Message, descriptor: Any) -> Finding:  # noqa: ANN401
    at = places.Place(error.GetLine() or 1, error.GetColumn() or 1)
    found = _ERROR.fullmatch(str(error))
    what = found["what"].rstrip(".") if found else str(error)
    field = places.field_at(tree, descriptor, at)
    if _ESCAPE.match(what):
        what = "the string contains a backslash that begins no escape: write paths with `/`, or double each backslash"
        what = f"`{field.path}`: {what}" if field else what
    elif field is not None:
        what = f"`{field.path}` takes {schema.kind(field.descriptor)}: {what}"
    return Finding(Reason.PIPELINE_CONFIG_INVALID, at.line, at.column, what)
