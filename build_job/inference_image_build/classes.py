"""Reads the number of classes from a pipeline configuration and from a label map, and compares the two."""

from inference_image_build import textproto
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def num_classes(text: str, key: str) -> int:
    """`model.<architecture>.num_classes` of a `pipeline.config`, without TensorFlow.

    Raises StageError (`PipelineConfigInvalid`).
    """
    try:
        config = textproto.parse(text)
    except textproto.TextprotoError as error:
        raise _config_invalid(key, str(error)) from error
    models = [message for _, message in config.messages("model")]
    if len(models) != 1:
        raise _config_invalid(key, f"{len(models) or 'no'} block `model` where one is expected")
    architectures = [field for field in models[0] if isinstance(field.value, textproto.Message)]
    if len(architectures) != 1:
        names = ", ".join(field.name for field in architectures) or "none"
        raise _config_invalid(key, f"`model` names one architecture, here it names {names}")
    architecture = architectures[0]
    assert isinstance(architecture.value, textproto.Message)  # noqa: S101 - narrows the type for mypy
    found = list(architecture.value.scalars("num_classes"))
    if len(found) != 1:
        raise _config_invalid(
            key, f"line {architecture.line}: `{architecture.name}` sets `num_classes` {len(found)} times, not once"
        )
    line, value = found[0]
    number = _integer(value)
    if number is None or number < 1:
        raise _config_invalid(key, f"line {line}: `num_classes: {value}` is not a positive integer")
    return number


def label_ids(text: str, key: str) -> tuple[int, ...]:
    """The distinct ids of a label map, ascending.

    Raises StageError (`LabelMapInvalid`).
    """
    try:
        items = list(textproto.parse(text).messages("item"))
    except textproto.TextprotoError as error:
        raise _label_map_invalid(key, str(error)) from error
    if not items:
        raise _label_map_invalid(key, "it holds no `item { ... }`")
    return tuple(sorted({_item_id(item, line, key) for line, item in items}))


def check_counts(config_key: str, expected: int, label_map_key: str, ids: tuple[int, ...]) -> None:
    """Refuses a label map that was made for another number of classes.

    Ids start at 1 and may have gaps: COCO's map names 80 of 90 classes, and the model has 90 outputs. So the highest
    id is compared, as the Object Detection API itself does (`get_max_label_map_index`).
    Raises StageError (`ClassCountMismatch`).
    """
    highest = max(ids)
    if highest == expected:
        return
    raise StageError(
        Reason.CLASS_COUNT_MISMATCH,
        f"The pipeline configuration {config_key} says num_classes: {expected}, but the label map {label_map_key} "
        f"names classes up to id {highest} ({len(ids)} of them).",
        "Point spec.model.labelMap to the label map that this model was trained with (or spec.model.prefix to the "
        f"right training); if you upload a corrected file under the same key, {REQUEST_AGAIN}",
    )


def _item_id(item: textproto.Message, line: int, key: str) -> int:
    found = list(item.scalars("id"))
    if len(found) != 1:
        raise _label_map_invalid(key, f"line {line}: the item sets `id` {len(found)} times, not once")
    id_line, value = found[0]
    number = _integer(value)
    if number is None or number < 1:
        raise _label_map_invalid(key, f"line {id_line}: `id: {value}` is not a positive integer (0 is the background)")
    if not any(True for name in ("name", "display_name") for _ in item.scalars(name)):
        raise _label_map_invalid(key, f"line {line}: the item with id {number} has neither `name` nor `display_name`")
    return number


def _integer(text: str) -> int | None:
    """A decimal, octal or hexadecimal integer of the text format, or None."""
    digits = text.removeprefix("-")
    try:
        if digits[:1] == "0" and digits.isdigit() and len(digits) > 1:
            return int(text, 8)
        return int(text, 0) if digits[:1].isdigit() and "_" not in text else None
    except ValueError:
        return None


def _config_invalid(key: str, detail: str) -> StageError:
    return StageError(
        Reason.PIPELINE_CONFIG_INVALID,
        f"The pipeline configuration {key} cannot be used: {detail}.",
        f"Upload the pipeline.config that the training wrote, {REQUEST_AGAIN}",
    )


def _label_map_invalid(key: str, detail: str) -> StageError:
    return StageError(
        Reason.LABEL_MAP_INVALID,
        f"The label map {key} cannot be used: {detail}.",
        f"Correct the label map or point spec.model.labelMap to another, {REQUEST_AGAIN}",
    )
