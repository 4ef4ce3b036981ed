"""Rebuilds a module that an old protoc wrote (`*_pb2.py`) from the serialized descriptor inside it.

Protobuf 4 and later refuse the code of protoc before 3.19, but not the descriptors: the few lines written here are
what a current protoc writes.
"""

import ast

_TEMPLATE = '''"""{title}"""
{imports}from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile({serialized!r})
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
'''


def rebuild(path: str, text: str) -> str:
    """The module of the same messages for a current protobuf.

    Raises ValueError when `text` holds no serialized descriptor, or more than one.
    """
    tree = ast.parse(text)
    descriptors = [
        _bytes(node.value) for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "serialized_pb"
    ]
    if len(descriptors) != 1:
        raise ValueError(f"{path}: {len(descriptors)} serialized descriptors, expected one")
    imports = [
        ast.unparse(node) + "\n"
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("object_detection.")
    ]
    return _TEMPLATE.format(
        title=f"Messages of {path.removesuffix('_pb2.py')}.proto, rebuilt from their serialized descriptor.",
        imports="".join(imports),
        serialized=descriptors[0],
    )


def _bytes(value: ast.expr) -> bytes:
    """The descriptor of `serialized_pb=_b('...')` (latin-1) or `serialized_pb=b'...'`."""
    if isinstance(value, ast.Call):
        value = value.args[0]
    literal = ast.literal_eval(value)
    return literal if isinstance(literal, bytes) else str(literal).encode("latin1")
