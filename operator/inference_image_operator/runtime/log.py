"""The operator's log: text or JSON, and every line about an object names it.

structlog formats the records of the standard library, so that kopf's lines and ours look the same. Its context
variables carry the object's fields through a reconcile, to every line that is written in it.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import structlog

from inference_image_operator.runtime.pipeline_limiter import Key

if TYPE_CHECKING:
    from structlog.typing import Processor

Format = Literal["text", "json"]
_FIELDS = ("timestamp", "level", "event", "logger", "namespace", "object", "stage", "job")
"""In this order, before all others."""


def setup(level: str, kind: Format) -> None:
    """Makes every record one line on stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(kind))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("kopf.objects").setLevel(logging.WARNING)  # it logs one line per watch event


def formatter(kind: Format) -> logging.Formatter:
    """Renders a record of the standard library: `key=value` pairs, or a JSON object."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if kind == "json"
        else structlog.processors.LogfmtRenderer(key_order=_FIELDS, drop_missing=True)
    )
    return structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer], foreign_pre_chain=shared
    )


def object_fields(key: Key) -> dict[str, str]:
    """The fields that name an object."""
    namespace, name = key
    return {"namespace": namespace, "object": name}


@contextmanager
def about(fields: dict[str, str]) -> Iterator[None]:
    """Every line that this task writes in the block has these fields, and those that `bind` adds."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**fields)
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()


def bind(**fields: str) -> None:
    """Adds fields to the lines of the current block."""
    structlog.contextvars.bind_contextvars(**fields)
