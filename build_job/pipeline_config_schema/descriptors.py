"""Collects the messages of a pipeline config in one FileDescriptorSet."""

from google.protobuf import descriptor_pb2
from object_detection.protos import pipeline_pb2


def file_descriptor_set() -> bytes:
    """The file of `TrainEvalPipelineConfig` and every file that it imports; each comes after its imports."""
    files: dict[str, descriptor_pb2.FileDescriptorProto] = {}
    _add(pipeline_pb2.DESCRIPTOR, files)
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
