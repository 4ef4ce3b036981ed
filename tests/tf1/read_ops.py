"""`read_ops.py WHEEL TABLE`: writes export_job's table of TensorFlow 1.15's operators from its wheel.

Runs with the Python of `make setup-tf`. The wheel comes from the package index:
`pip download --no-deps --only-binary :all: --python-version 37 --platform manylinux2010_x86_64 tensorflow==1.15.5`.
Its generated wrappers (gen_*_ops.py) hold the definitions of their operators as a serialized OpList.
"""

import ast
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tensorflow.core.framework import op_def_pb2

HEADER = """\
# Operators of TensorFlow 1.15.5 and their attributes; = marks those with a default. From the Python wrappers of the
# wheel tensorflow-1.15.5-cp37-cp37m-manylinux2010_x86_64 (Apache-2.0), by tests/tf1/read_ops.py.
"""


def definitions(wheel: Path) -> Iterator[op_def_pb2.OpDef]:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if "tensorflow_core/python/" in name and "/gen_" in name:  # others are not loaded with TensorFlow
                for node in ast.walk(ast.parse(archive.read(name))):
                    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "_InitOpDefLibrary":
                        yield from op_def_pb2.OpList.FromString(ast.literal_eval(node.args[0])).op


def line(operator: op_def_pb2.OpDef) -> str:
    words = (item.name + "=" * item.HasField("default_value") for item in operator.attr)
    return " ".join([operator.name, *sorted(words)])


def main(wheel: Path, table: Path) -> None:
    table.write_text(HEADER + "".join(f"{text}\n" for text in sorted({line(item) for item in definitions(wheel)})))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
