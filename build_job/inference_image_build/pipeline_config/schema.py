"""The schema of the exporter's Object Detection API: its messages, and the supported models.

The messages are those of a pipeline config, of a label map, and TensorFlow's own of a `checkpoint` file. `schema.binpb`
(a FileDescriptorSet) and `models.json` are written from the adapted package by `make config-schema`.
"""

import functools
from importlib import resources
from typing import Any

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor

RELEASE = "the Object Detection API of TensorFlow 1 (autumn 2019)"
"""The release that reads the config in the export; the export uses the same words."""

_ROOT = "object_detection.protos.TrainEvalPipelineConfig"
_LABEL_MAP = "object_detection.protos.StringIntLabelMap"
_CHECKPOINT_STATE = "tensorflow.CheckpointState"
_KINDS = {
    FieldDescriptor.CPPTYPE_INT32: "an integer",
    FieldDescriptor.CPPTYPE_INT64: "an integer",
    FieldDescriptor.CPPTYPE_UINT32: "a non-negative integer",
    FieldDescriptor.CPPTYPE_UINT64: "a non-negative integer",
    FieldDescriptor.CPPTYPE_FLOAT: "a number",
    FieldDescriptor.CPPTYPE_DOUBLE: "a number",
    FieldDescriptor.CPPTYPE_BOOL: "true or false",
    FieldDescriptor.CPPTYPE_STRING: "a string in quotes",
}


class Extractors(msgspec.Struct, frozen=True, kw_only=True):
    """The feature extractor types of one architecture: those that current TensorFlow can build, and the others."""

    buildable: tuple[str, ...]
    unbuildable: tuple[str, ...]


def descriptors() -> bytes:
    """The FileDescriptorSet of all messages; each file comes after its imports."""
    return _data("schema.binpb")


def root() -> Any:  # noqa: ANN401 - protobuf is untyped
    """The message class `TrainEvalPipelineConfig`."""
    return _message(_ROOT)


def label_map() -> Any:  # noqa: ANN401
    """The message class `StringIntLabelMap`, with the fields of later releases, which only describe a class."""
    return _message(_LABEL_MAP)


def checkpoint_state() -> Any:  # noqa: ANN401
    """The message class `CheckpointState`, which TensorFlow writes into the file `checkpoint`."""
    return _message(_CHECKPOINT_STATE)


@functools.cache
def extractors() -> dict[str, Extractors]:
    """Feature extractor types by architecture, which is a field of the message `DetectionModel`."""
    return msgspec.json.decode(_data("models.json"), type=dict[str, Extractors])


def kind(field: Any) -> str:  # noqa: ANN401
    """The kind of value of a field, in words."""
    if field.message_type is not None:
        return "a block { ... }"
    if field.enum_type is not None:
        return f"one of {', '.join(field.enum_type.values_by_name)}"
    return _KINDS[field.cpp_type]


@functools.cache
def _message(name: str) -> Any:  # noqa: ANN401
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(name))


@functools.cache
def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(descriptors()).file:
        pool.Add(file)
    return pool


def _data(name: str) -> bytes:
    return resources.files(__package__).joinpath(name).read_bytes()
