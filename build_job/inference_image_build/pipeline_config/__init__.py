"""Checks a `pipeline.config` without TensorFlow: finds what the export would refuse, with line and remedy.

It checks in this order: the text format; names and models that the exporter's Object Detection API does not know;
values, with the exporter's own parser; what the model lacks. `docs/reference/pipeline-config.md` is the user's page.
"""

from itertools import islice

from inference_image_build.pipeline_config import findings, model, names, schema, textproto, values
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.model import ClassCount
from inference_image_contract.reasons import Reason

_REPLACED = "\N{REPLACEMENT CHARACTER}"
"""Replaces a byte that is not UTF-8; the export refuses such a config, even if the byte is in a comment."""

__all__ = ["ClassCount", "check"]


def check(text: str, key: str) -> ClassCount:
    """The number of classes of the config `text`, after checking that the export can read it and build its model.

    Raises StageError that names `key` and the line: `PipelineConfigInvalid`, `PipelineConfigUnknownField`,
    `ModelUnsupported`.
    """
    if _REPLACED in text:
        raise findings.failure(key, [_not_utf8(text)])
    try:
        tree = textproto.parse(text)
    except textproto.TextprotoError as error:
        wrong = Finding(Reason.PIPELINE_CONFIG_INVALID, error.line, error.column, error.message)
        raise findings.failure(key, [wrong]) from error
    allowed = islice(names.findings(tree, schema.root().DESCRIPTOR), findings.MAX_FINDINGS)
    _refuse(key, [*model.unsupported(tree), *allowed])
    config = values.parse(text, tree)
    if isinstance(config, Finding):
        raise findings.failure(key, [config])
    _refuse(key, list(model.incomplete(config, tree)))
    return model.classes(config, tree)


def _not_utf8(text: str) -> Finding:
    before = text[: text.index(_REPLACED)]
    column = len(before) - before.rfind("\n")
    return Finding(Reason.PIPELINE_CONFIG_INVALID, before.count("\n") + 1, column, "a byte here is not UTF-8")


def _refuse(key: str, found: list[Finding]) -> None:
    if found:
        raise findings.failure(key, found)
