"""Checks whether the exporter can build the model of a config."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

from inference_image_build.pipeline_config import schema
from inference_image_build.pipeline_config.findings import Finding
from inference_image_build.pipeline_config.names import similar
from inference_image_build.pipeline_config.places import Place, find, place
from inference_image_build.pipeline_config.textproto import Message
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_TYPO = 0.9
"""Similarity from which a name counts as a typo; feature extractor names are similar anyway."""

CHOICES = {
    "faster_rcnn": ("image_resizer", "first_stage_anchor_generator", "second_stage_box_predictor"),
    "ssd": (
        "image_resizer",
        "box_coder",
        "matcher",
        "similarity_calculator",
        "box_predictor",
        "anchor_generator",
        "loss.classification_loss",
        "loss.localization_loss",
    ),
}
"""By architecture: the messages that choose a part of the model; `model_builder` raises without them."""


class ClassCount(NamedTuple):
    """The number of classes of the model, and the line that sets it."""

    number: int
    line: int


def unsupported(tree: Message) -> Iterator[Finding]:
    """Findings that no fix of the config resolves; they are reported before its details."""
    yield from _architecture(tree)
    for architecture in schema.extractors():
        yield from _extractor(tree, architecture)
    quantization = find(tree, "graph_rewriter")
    if quantization is not None:
        yield Finding(
            Reason.MODEL_UNSUPPORTED,
            quantization.line,
            quantization.column,
            "`graph_rewriter` requests quantization, which TensorFlow dropped after 1.x",
            f"Remove the block to export unquantized weights (detections may differ slightly); upload the config, "
            f"{REQUEST_AGAIN}",
        )


def incomplete(config: Any, tree: Message) -> Iterator[Finding]:  # noqa: ANN401 - protobuf is untyped
    """What the model lacks; the message `config` and its text `tree` have passed all other checks."""
    architecture = config.model.WhichOneof("model")
    if architecture is None:
        block = " or ".join(f"model {{ {name} {{ ... }} }}" for name in schema.extractors())
        yield _missing(tree, ("model",), f"the config describes no model: `{block}` is expected")
        return
    model = getattr(config.model, architecture)
    path = ("model", architecture)
    if model.num_classes < 1:
        says = f"is {model.num_classes}" if model.HasField("num_classes") else "is missing"
        what = f"`{'.'.join(path)}.num_classes` {says}: a positive integer is expected"
        yield _missing(tree, (*path, "num_classes"), what)
    if not model.feature_extractor.type:
        what = f"`{'.'.join(path)}.feature_extractor.type` is missing"
        yield _missing(tree, (*path, "feature_extractor"), what)
    for choice in CHOICES[architecture]:
        part = functools.reduce(getattr, choice.split("."), model)
        (oneof,) = part.DESCRIPTOR.oneofs
        if part.WhichOneof(oneof.name) is None:
            what = f"`{'.'.join(path)}.{choice}` chooses none of {', '.join(field.name for field in oneof.fields)}"
            yield _missing(tree, (*path, *choice.split(".")), what)


def classes(config: Any, tree: Message) -> ClassCount:  # noqa: ANN401
    """The number of classes of a complete config."""
    architecture = config.model.WhichOneof("model")
    at = place(tree, ("model", architecture, "num_classes"))
    return ClassCount(getattr(config.model, architecture).num_classes, at.line)


def _architecture(tree: Message) -> Iterator[Finding]:
    model = find(tree, "model")
    for field in model.value if model is not None and isinstance(model.value, Message) else ():
        known = schema.extractors()
        if isinstance(field.value, Message) and field.name not in known and not similar(field.name, known):
            what = (
                f"`model` describes `{field.name[:80]}`, which {schema.RELEASE} does not have; "
                f"it has only {', '.join(known)}"
            )
            yield Finding(Reason.MODEL_UNSUPPORTED, field.line, field.column, what)


def _extractor(tree: Message, architecture: str) -> Iterator[Finding]:
    field = find(tree, "model", architecture, "feature_extractor", "type")
    if field is None or isinstance(field.value, Message):
        return
    name, known = field.value, schema.extractors()[architecture]
    if name in known.buildable or not name:
        return
    yield Finding(
        Reason.MODEL_UNSUPPORTED,
        field.line,
        field.column,
        _why(name, architecture),
        f"Train a model with a feature extractor that the export builds ({', '.join(known.buildable)}); if only the "
        f"config is wrong, fix and upload it, {REQUEST_AGAIN}",
    )


def _why(name: str, architecture: str) -> str:
    own = schema.extractors()[architecture]
    if name in own.unbuildable:
        return f"the feature extractor `{name}` needs parts of TensorFlow 1 that current TensorFlow no longer has"
    for other, types in schema.extractors().items():
        if name in (*types.buildable, *types.unbuildable):
            return f"the feature extractor `{name}` belongs to `{other}`, not to `{architecture}`"
    near = similar(name, (other for other in own.buildable if _version(other) == _version(name)), _TYPO)
    return f"there is no feature extractor `{name[:80]}` for `{architecture}` in {schema.RELEASE}{near}"


def _version(name: str) -> tuple[str, bool]:
    """What distinguishes types with similar names: numbers, and the Keras variant."""
    return "".join(letter for letter in name if letter.isdigit()), name.endswith("_keras")


def _missing(tree: Message, path: tuple[str, ...], what: str) -> Finding:
    at: Place = place(tree, path)
    return Finding(Reason.PIPELINE_CONFIG_INVALID, at.line, at.column, what)
