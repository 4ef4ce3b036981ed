"""`tf.contrib` as far as exporting uses it: tf-slim for slim, layers and framework; the rest can only be named."""

from types import SimpleNamespace

import tensorflow as tf
import tf_slim as slim
from tf_slim.data import tfexample_decoder

from .missing import Missing

# tf-slim looks for `cond` and `case` in an internal module of TensorFlow that has lost them; the public names stayed.
tfexample_decoder.control_flow_ops = tf.compat.v1

_lookup = tf.compat.v1.lookup

layers = slim
filter_variables = slim.filter_variables
framework = SimpleNamespace(
    add_arg_scope=slim.add_arg_scope,
    arg_scope=slim.arg_scope,
    filter_variables=slim.filter_variables,
    is_tensor=tf.compat.v1.is_tensor,
    model_variable=slim.model_variable,
)
lookup = SimpleNamespace(
    HashTable=_lookup.StaticHashTable,
    KeyValueTensorInitializer=_lookup.KeyValueTensorInitializer,
)


def _report_nothing(_graph: object, tfprof_options: object = None) -> None:
    """The exporter prints a profile of the graph; it has no effect on what is exported."""


tfprof = SimpleNamespace(
    model_analyzer=SimpleNamespace(
        FLOAT_OPS_OPTIONS={},
        TRAINABLE_VARS_PARAMS_STAT_OPTIONS={},
        print_model_analysis=_report_nothing,
    )
)
image_ops = Missing("tf.contrib.image.python.ops.image_ops")
opt = Missing("tf.contrib.opt")
quantize = Missing("tf.contrib.quantize")
training = Missing("tf.contrib.training")

__all__ = [
    "filter_variables",
    "framework",
    "image_ops",
    "layers",
    "lookup",
    "opt",
    "quantize",
    "slim",
    "tfprof",
    "training",
]
