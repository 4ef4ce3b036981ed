"""`once.py bare|ours CHECKPOINT_PREFIX PIPELINE_CONFIG FOLDER`: one export, by the bare exporter or by our code.

`bare` calls the Object Detection API like its own script; `ours` does what our step does to a graph, without the
store, to compare bytes. Runs in the TensorFlow environment and in the image.
"""

import sys
from pathlib import Path


def bare(prefix: Path, config: Path, folder: Path) -> None:
    from google.protobuf import text_format  # noqa: PLC0415 - not in the environment of the other benchmarks
    from object_detection import exporter  # noqa: PLC0415
    from object_detection.protos import pipeline_pb2  # noqa: PLC0415

    pipeline = text_format.Parse(config.read_text("utf-8"), pipeline_pb2.TrainEvalPipelineConfig())
    exporter.export_inference_graph("image_tensor", pipeline, str(prefix), str(folder))


def ours(prefix: Path, config: Path, folder: Path) -> None:
    from inference_image_export import canonical  # noqa: PLC0415
    from inference_image_export.exporting import export  # noqa: PLC0415
    from inference_image_export.fetch import Source  # noqa: PLC0415

    graph = export(Source(prefix, prefix.name, config, config.name, ()), "image_tensor", folder).graph
    canonical.write(canonical.read_graph(graph), graph)


if __name__ == "__main__":
    {"bare": bare, "ours": ours}[sys.argv[1]](*map(Path, sys.argv[2:]))
