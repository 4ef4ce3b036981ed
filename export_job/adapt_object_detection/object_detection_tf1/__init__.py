"""TensorFlow 1.x as the Object Detection API knew it: `tensorflow.compat.v1` and the part of `contrib` it uses.

Installed beside the adapted package, whose modules import it under the name `tf`. Importing it switches the process to
TensorFlow 1 behaviour (graphs, sessions, reference variables).
"""

import importlib
import os
import sys
from typing import Any

# tf.keras and tf.layers of compat.v1 then come from tf-keras (Keras 2); read when TensorFlow is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")

import tensorflow as tf

_v1 = tf.compat.v1
_v1.disable_v2_behavior()

# compat.v1.layers looks for these under the name they had before tf-keras moved its sources to tf_keras.src.
for _name in ("", ".base", ".convolutional", ".core", ".normalization", ".pooling"):
    sys.modules.setdefault(
        f"tf_keras.legacy_tf_layers{_name}",
        importlib.import_module(f"tf_keras.src.legacy_tf_layers{_name}"),
    )

from . import contrib  # noqa: E402 - tf_slim, which it imports, needs the modules above

__version__ = tf.__version__
__all__ = ["contrib"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - TensorFlow is untyped
    return getattr(_v1, name)
