"""`compare.py FOLDER`: loads each graph of `prepare.py` with TensorFlow 1.15 and compares its answers. Python 3.7."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

TOLERANCE = 1e-5


def answers(path: Path, asked: np.ndarray, names: list) -> dict:
    definition = tf.compat.v1.GraphDef.FromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run({name: name + ":0" for name in names}, {"image_tensor:0": asked})


def main(folder: Path) -> int:
    failed = 0
    for path in sorted(folder.glob("*.pb")):
        expected = dict(np.load(path.with_suffix(".npz")))
        asked = expected.pop("image_tensor")
        found = answers(path, asked, sorted(expected))
        greatest = max(float(np.abs(expected[name] - found[name]).max()) for name in expected)
        failed += not greatest <= TOLERANCE
        print(f"{path.stem}: differs by {greatest:.1e} on TensorFlow {tf.__version__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
