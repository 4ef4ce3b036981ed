"""Checks a `pipeline.config` without TensorFlow: finds what the export would refuse, with line and remedy.

It checks in this order: the text format; names and models that the exporter's Object Detection API does not know;
values, with the exporter's own parser; what the model lacks. `docs/reference/pipeline-config.md` is the user's page.
"""

from itertools import islice

from inference_image_build.pipeline_config import findings, model, names, schema, textproto, values
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.model import ClassCount
from inference_image_contract.reasons import Reason
from inference_image_contract.text_encoding import EncodingError, decode

__all__ = ["ClassCount", "check"]


def check(data: bytes, key: str) -> ClassCount:
    """The number of classes of a config, after checking that the export can read it and build its model.

    Raises StageError that names `key` and the line: `PipelineConfigInvalid`, `PipelineConfigUnknownField`,
    `ModelUnsupported`.
    """
    try:
        text = decode(data)
        tree = textproto.parse(text)
    except (EncodingError, textproto.TextprotoError) as error:
        wrong = Finding(Reason.PIPELINE_CONFIG_INVALID, error.line, error.column, error.message)
        raise findings.failure(key, [wrong]) from error
    allowed = islice(names.findings(tree, schema.root().DESCRIPTOR), findings.MAX_FINDINGS)
    _refuse(key, [*model.unsupported(tree), *allowed])
    config = values.parse(text, tree)
    if isinstance(config, Finding):
        raise findings.failure(key, [config])
    _refuse(key, list(model.incomplete(config, tree)))
    return model.classes(config, tree)


def _refuse(key: str, found: list[Finding]) -> None:
    if found:
        raise findings.failure(key, found)
