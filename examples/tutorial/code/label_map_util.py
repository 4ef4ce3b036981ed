"""Reads label maps."""

from google.protobuf import text_format

from string_int_label_map_pb2 import StringIntLabelMap


def read_names(path):
    """The class of each id: an item's display_name if present, else its name."""
    with open(path) as file:
        label_map = text_format.Parse(file.read(), StringIntLabelMap())
    return {item.id: item.display_name or item.name for item in label_map.item}
