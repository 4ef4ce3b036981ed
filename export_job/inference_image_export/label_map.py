"""The class names of a label map."""

from pathlib import Path

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.text_encoding import EncodingError, decode_utf8


def names(path: Path, key: str) -> dict[int, tuple[str, ...]]:
    """ID -> names: display_name and name, where present.

    Raises StageError (`LabelMapInvalid`); `key` is the file's key for the message.
    """
    from google.protobuf import text_format
    from object_detection.protos import string_int_label_map_pb2

    label_map = string_int_label_map_pb2.StringIntLabelMap()
    try:
        text_format.Merge(decode_utf8(path.read_bytes()), label_map, allow_unknown_field=True)
    except (text_format.ParseError, EncodingError) as error:
        raise StageError(
            Reason.LABEL_MAP_INVALID,
            f"The label map {key} is invalid: {error}.",
            "Correct the label map, or set spec.test.matchGraph to false.",
        ) from error
    found: dict[int, tuple[str, ...]] = {}
    for item in label_map.item:  # of several items with one id, the Object Detection API keeps the first
        found.setdefault(item.id, tuple(filter(None, (item.display_name, item.name))))
    return found
