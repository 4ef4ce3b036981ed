"""What a label map calls the classes."""

from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def names(path: Path, key: str) -> dict[int, tuple[str, ...]]:
    """The names of each id: its display_name and its name, as far as it has them.

    Raises StageError (`LabelMapInvalid`); `key` is what a person knows the file by.
    """
    from google.protobuf import text_format
    from object_detection.protos import string_int_label_map_pb2

    label_map = string_int_label_map_pb2.StringIntLabelMap()
    try:
        text_format.Parse(path.read_bytes(), label_map, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise StageError(
            Reason.LABEL_MAP_INVALID,
            f"The label map {key} cannot be read: {error}.",
            "Correct the label map, or set spec.test.matchGraph to false.",
        ) from error
    return {item.id: tuple(filter(None, (item.display_name, item.name))) for item in label_map.item}
