"""Collects the messages of a pipeline config, a label map and a `checkpoint` file in one FileDescriptorSet."""

from google.protobuf import descriptor_pb2
from object_detection.protos import pipeline_pb2, string_int_label_map_pb2
from tensorflow.python.checkpoint import checkpoint_management

_FIELD = descriptor_pb2.FieldDescriptorProto
_ITEM, _KEYPOINT, _FREQUENCY = "StringIntLabelMapItem", "KeypointMap", "LVISFrequency"


def file_descriptor_set() -> bytes:
    """The files of all messages and every file that they import; each comes after its imports."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    for file in (
        pipeline_pb2.DESCRIPTOR,
        string_int_label_map_pb2.DESCRIPTOR,
        checkpoint_management.CheckpointState.DESCRIPTOR.file,
    ):
        _add(file, files)
    _add_later_fields(files[string_int_label_map_pb2.DESCRIPTOR.name])
    whole = descriptor_pb2.FileDescriptorSet(file=files.values())
    return bytes(whole.SerializeToString(deterministic=True))


def _add(file, files: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - protobuf is untyped
    if file.name in files:
        return
    for dependency in file.dependencies:
        _add(dependency, files)
    proto = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    files[file.name] = proto


def _add_later_fields(file: descriptor_pb2.FileDescriptorProto) -> None:
    """Adds what releases after the exporter's added to an item of a label map (string_int_label_map.proto, 2020).

    Label maps describe a data set, so they are often newer than the model. The fields do not change the model.
    """
    (item,) = (message for message in file.message_type if message.name == _ITEM)
    there = {field.name for field in item.field}
    scope = f".{file.package}.{_ITEM}"
    if "keypoints" not in there:
        keypoint = item.nested_type.add(name=_KEYPOINT)
        keypoint.field.add(name="id", number=1, type=_FIELD.TYPE_INT32, label=_FIELD.LABEL_OPTIONAL)
        keypoint.field.add(name="label", number=2, type=_FIELD.TYPE_STRING, label=_FIELD.LABEL_OPTIONAL)
        item.field.add(
            name="keypoints",
            number=4,
            type=_FIELD.TYPE_MESSAGE,
            type_name=f"{scope}.{_KEYPOINT}",
            label=_FIELD.LABEL_REPEATED,
        )
    for number, name in ((5, "ancestor_ids"), (6, "descendant_ids")):
        if name not in there:
            item.field.add(name=name, number=number, type=_FIELD.TYPE_INT32, label=_FIELD.LABEL_REPEATED)
    if "frequency" not in there:
        values = file.enum_type.add(name=_FREQUENCY)
        for number, name in enumerate(("UNSPECIFIED", "FREQUENT", "COMMON", "RARE")):
            values.value.add(name=name, number=number)
        item.field.add(
            name="frequency",
            number=7,
            type=_FIELD.TYPE_ENUM,
            type_name=f".{file.package}.{_FREQUENCY}",
            label=_FIELD.LABEL_OPTIONAL,
        )
    if "instance_count" not in there:
        item.field.add(name="instance_count", number=8, type=_FIELD.TYPE_INT32, label=_FIELD.LABEL_OPTIONAL)
