"""`read_operators.py`: prints the op table of this TensorFlow (1.7 and 1.15, on Python 2.7).

One line per op: its name, then its attributes. `=` marks an attribute with a default, `:` begins its allowed types.
The ops come from TensorFlow's C API (TF_GetAllOpList).
"""

from __future__ import print_function

import sys

import tensorflow as tf
from tensorflow.core.framework import op_def_pb2, types_pb2
from tensorflow.python import pywrap_tensorflow


def attribute(definition):
    types = sorted(types_pb2.DataType.Name(number)[3:].lower() for number in definition.allowed_values.list.type)
    return definition.name + "=" * definition.HasField("default_value") + (":" + ",".join(types) if types else "")


def line(operator):
    return " ".join([operator.name] + sorted(attribute(definition) for definition in operator.attr))


def main():
    operators = op_def_pb2.OpList.FromString(pywrap_tensorflow.TF_GetBuffer(pywrap_tensorflow.TF_GetAllOpList())).op
    print(
        "# Operators of TensorFlow %s, graph version %d, from its C API (Apache-2.0),"
        % (tf.VERSION, tf.GRAPH_DEF_VERSION)
    )
    print("# by tests/tensorflow1/read_operators.py. = has a default, : the types that it may be.")
    print("\n".join(sorted(line(operator) for operator in operators)))


if __name__ == "__main__":
    sys.exit(main())
