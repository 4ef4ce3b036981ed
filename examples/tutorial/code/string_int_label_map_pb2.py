"""The label map's message, declared here instead of in a generated module."""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "object_detection.protos"
_FIELD = descriptor_pb2.FieldDescriptorProto


def _label_map():
    file = descriptor_pb2.FileDescriptorProto(name="string_int_label_map.proto", package=_PACKAGE)
    item = file.message_type.add(name="StringIntLabelMapItem")
    for number, (name, kind) in enumerate(
        (("name", _FIELD.TYPE_STRING), ("id", _FIELD.TYPE_INT32), ("display_name", _FIELD.TYPE_STRING)), 1
    ):
        item.field.add(name=name, number=number, type=kind, label=_FIELD.LABEL_OPTIONAL)
    items = file.message_type.add(name="StringIntLabelMap").field.add(name="item", number=1)
    items.type, items.label = _FIELD.TYPE_MESSAGE, _FIELD.LABEL_REPEATED
    items.type_name = ".%s.StringIntLabelMapItem" % _PACKAGE
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(
        pool.FindMessageTypeByName(_PACKAGE + ".StringIntLabelMap")
    )


StringIntLabelMap = _label_map()
