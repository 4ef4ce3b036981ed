"""Writes `schema.binpb` and `models.json` into the folder of its only argument; needs TensorFlow."""

import json
import sys
from pathlib import Path

from tensorflow.compat import v1 as tf

from pipeline_config_schema import descriptors, extractors


def main(folder: Path) -> None:
    """Writes both files. It takes a few minutes, because it builds every feature extractor."""
    tf.logging.set_verbosity(tf.logging.ERROR)  # the package logs pages of deprecation warnings
    (folder / "schema.binpb").write_bytes(descriptors.file_descriptor_set())
    types = extractors.tried(extractors.names())
    (folder / "models.json").write_text(json.dumps(types, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
