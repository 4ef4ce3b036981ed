"""Reads the classes of a label map and compares their number with the pipeline config."""

from collections.abc import Mapping

from inference_image_build.pipeline_config import ClassCount, textproto
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason


def label_ids(text: str, key: str) -> dict[int, int]:
    """The distinct ids of a label map, ascending, each with the first line that sets it.

    Raises StageError (`LabelMapInvalid`).
    """
    try:
        items = list(textproto.parse(text).messages("item"))
    except textproto.TextprotoError as error:
        raise _label_map_invalid(key, str(error)) from error
    if not items:
        raise _label_map_invalid(key, "it contains no `item { ... }`")
    lines: dict[int, int] = {}
    for line, item in items:
        number, id_line = _item_id(item, line, key)
        lines.setdefault(number, id_line)
    return dict(sorted(lines.items()))


def check_counts(config_key: str, classes: ClassCount, label_map_key: str, ids: Mapping[int, int]) -> None:
    """Refuses a label map for another number of classes; `ids` map each id to its line.

    Ids start at 1 and may have gaps: COCO's map names 80 of 90 classes, and the model has 90 outputs. So the highest
    id is compared, as the Object Detection API does (`get_max_label_map_index`).
    Raises StageError (`ClassCountMismatch`).
    """
    highest = max(ids)
    if highest == classes.number:
        return
    raise StageError(
        Reason.CLASS_COUNT_MISMATCH,
        f"{config_key}, line {classes.line}, says num_classes: {classes.number}, but the label map {label_map_key} "
        f"names classes up to id {highest} in line {ids[highest]} ({len(ids)} of them).",
        "Set spec.model.labelMap to the label map that this model was trained with, or spec.model.prefix to the right "
        f"training; if you upload a fixed file under the same key, {REQUEST_AGAIN}",
    )


def _item_id(item: textproto.Message, line: int, key: str) -> tuple[int, int]:
    """The id of an item and its line."""
    found = list(item.scalars("id"))
    if len(found) != 1:
        raise _label_map_invalid(key, f"line {line}: the item sets `id` {len(found)} times, not once")
    id_line, value = found[0]
    number = _integer(value)
    if number is None or number < 1:
        raise _label_map_invalid(key, f"line {id_line}: `id: {value}` is not a positive integer (0 is the background)")
    if not any(True for name in ("name", "display_name") for _ in item.scalars(name)):
        raise _label_map_invalid(key, f"line {line}: the item with id {number} has neither `name` nor `display_name`")
    return number, id_line


def _integer(text: str) -> int | None:
    """The value of a decimal, octal or hexadecimal integer of the text format, or None."""
    digits = text.removeprefix("-")
    try:
        if digits[:1] == "0" and digits.isdigit() and len(digits) > 1:
            return int(text, 8)
        return int(text, 0) if digits[:1].isdigit() and "_" not in text else None
    except ValueError:
        return None


def _label_map_invalid(key: str, detail: str) -> StageError:
    return StageError(
        Reason.LABEL_MAP_INVALID,
        f"The label map {key} cannot be used: {detail}.",
        f"Fix the label map, or set spec.model.labelMap to another, {REQUEST_AGAIN}",
    )
