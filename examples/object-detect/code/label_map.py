"""The label map: the class of each of the detector's IDs."""

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

_FIELD = descriptor_pb2.FieldDescriptorProto


def read_label_map(path: Path) -> dict[int, str]:
    """ID -> class, from a `label_map.pbtxt`: an item's display_name if present, else its name.

    Raises:
        ValueError: the file is not a label map; the message says where.
    """
    message = _label_map_class()()
    try:
        text_format.Merge(path.read_text(encoding="utf-8-sig"), message, allow_unknown_field=True)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a label map: {error}") from error
    names: dict[int, str] = {}
    for item in message.item:
        names.setdefault(item.id, item.display_name or item.name)  # the API, too, keeps the first of an ID
    if not names:
        raise ValueError(f"{path} contains no items")
    return names


def _label_map_class() -> Any:  # noqa: ANN401 - a message class made at run time
    """The message `StringIntLabelMap` of the Object Detection API, with the fields used here.

    Declared here because serving does not depend on the API; `text_format` then parses the whole syntax.
    """
    file = descriptor_pb2.FileDescriptorProto(name="label_map.proto", package="object_detection.protos")
    item = file.message_type.add(name="StringIntLabelMapItem")
    item.field.add(name="name", number=1, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    item.field.add(name="id", number=2, type=_FIELD.TYPE_INT32, label=_FIELD.LABEL_OPTIONAL)
    item.field.add(name="display_name", number=3, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
    label_map = file.message_type.add(name="StringIntLabelMap")
    label_map.field.add(
        name="item",
        number=1,
        type=_FIELD.TYPE_MESSAGE,
        label=_FIELD.LABEL_REPEATED,
        type_name=".object_detection.protos.StringIntLabelMapItem",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("object_detection.protos.StringIntLabelMap"))
