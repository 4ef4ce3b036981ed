"""Reads the classes of a label map as the Object Detection API does, and compares them with the pipeline config.

The rules are those of the API's `label_map_util`: the text format, ids from 0 on, and id 0 only for the background. It
keeps the first of several items with one id.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from inference_image_build.pipeline_config import ClassCount, names, schema, textproto, values
from inference_image_build.pipeline_config.findings import Finding
from inference_image_contract import text_encoding
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

BACKGROUND = "background"
"""The only name that id 0 may have."""


class _Item(NamedTuple):
    """One item: its message, its line, and the line that sets its id."""

    message: Any
    line: int
    id_line: int


def label_ids(data: bytes, key: str) -> dict[int, int]:
    """The distinct ids of the classes in a label map, ascending, each with the first line that sets it.

    The background (id 0) is not a class. Raises StageError (`LabelMapInvalid`) with the line.
    """
    items = list(_items(data, key))
    if not items:
        raise _label_map_invalid(key, "it contains no `item { ... }`")
    lines: dict[int, int] = {}
    for item in items:
        _check(item, key)
        lines.setdefault(item.message.id, item.id_line)
    lines.pop(0, None)
    if not lines:
        raise _label_map_invalid(key, "it names only the background (id 0) and no class")
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


def _items(data: bytes, key: str) -> Iterator[_Item]:
    try:
        text = text_encoding.decode_utf8(data)
        tree = textproto.parse(text)
    except (text_encoding.EncodingError, textproto.TextprotoError) as error:
        raise _label_map_invalid(key, str(error)) from error
    unknown = next(names.unknown(tree, schema.label_map().DESCRIPTOR), None)
    if unknown:
        raise _finding(key, unknown)
    label_map = values.merge(text, tree, schema.label_map())
    if isinstance(label_map, Finding):
        raise _finding(key, label_map)
    for (line, item), message in zip(tree.messages("item"), label_map.item, strict=True):
        yield _Item(message, line, max((at for at, _ in item.scalars("id")), default=line))


def _check(item: _Item, key: str) -> None:
    number = item.message.id
    if number < 0:
        raise _label_map_invalid(key, f"line {item.id_line}: `id: {number}` is negative; ids start at 1")
    if number == 0 and BACKGROUND not in (item.message.name, item.message.display_name):
        if item.message.HasField("id"):
            what = f"line {item.id_line}: `id: 0` is reserved for an item named `{BACKGROUND}`; ids start at 1"
        else:
            what = f"line {item.line}: the item sets no `id`; ids start at 1"
        raise _label_map_invalid(key, what)
    if not item.message.name and not item.message.display_name:
        what = f"line {item.line}: the item with id {number} has neither `name` nor `display_name`"
        raise _label_map_invalid(key, what)


def _finding(key: str, found: Finding) -> StageError:
    return _label_map_invalid(key, f"line {found.line}, column {found.column}: {found.what}")


def _label_map_invalid(key: str, detail: str) -> StageError:
    stop = "" if detail.endswith("?") else "."
    return StageError(
        Reason.LABEL_MAP_INVALID,
        f"The label map {key} cannot be used: {detail}{stop}",
        f"Fix the label map, or set spec.model.labelMap to another, {REQUEST_AGAIN}",
    )
