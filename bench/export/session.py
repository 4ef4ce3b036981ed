"""`session.py plain|ours GRAPH RESULT [ASKS]`: loads a frozen graph, runs it on pictures, and reports the cost.

`plain` is TensorFlow's default session; `ours` is that of the export's verification and of the example's server,
without the graph optimizer. RESULT gets seconds of each step, the resident set after it in bytes, and the peak.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


class Clock:
    """Seconds since the previous step, and the resident set after each step."""

    def __init__(self) -> None:
        self.steps: dict[str, float] = {}
        self.peaks: dict[str, int] = {}
        self._at = time.monotonic()

    def step(self, name: str, work: Callable[[], object]) -> object:
        done = work()
        now = time.monotonic()
        self.steps[name] = now - self._at
        self.peaks[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        self._at = now
        return done


def main(kind: str, path: Path, result: Path, asks: int) -> None:
    clock = Clock()
    clock.step("import", lambda: __import__("tensorflow"))
    import numpy as np  # noqa: PLC0415 - after the clock has begun
    import tensorflow.compat.v1 as tf  # noqa: PLC0415

    read = [clock.step("read", lambda: tf.GraphDef.FromString(path.read_bytes()))]
    graph = tf.Graph()
    with graph.as_default():
        clock.step("into the graph", lambda: tf.import_graph_def(read.pop(), name=""))
    configuration = tf.ConfigProto()
    configuration.graph_options.rewrite_options.disable_meta_optimizer = kind == "ours"
    outputs = [f"{name}:0" for name in ("num_detections", "detection_boxes", "detection_scores", "detection_classes")]
    pictures = np.random.default_rng(1).integers(0, 256, (asks + 1, 1, 480, 640, 3), np.uint8)
    with tf.Session(graph=graph, config=configuration) as session:
        clock.step("first picture", lambda: session.run(outputs, {"image_tensor:0": pictures[0]}))
        session.run(outputs, {"image_tensor:0": pictures[0]})  # exclude one-time preparation in the second run
        began = time.monotonic()
        used = time.process_time()
        for picture in pictures[1:]:
            session.run(outputs, {"image_tensor:0": picture})
        spent = {"answer": (time.monotonic() - began) / asks, "answer cpu": (time.process_time() - used) / asks}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    result.write_text(json.dumps({"seconds": clock.steps | spent, "resident": clock.peaks, "peak": peak}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if sys.argv[4:] else 5)
