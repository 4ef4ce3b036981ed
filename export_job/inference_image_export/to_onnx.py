"""`python -m inference_image_export.to_onnx GRAPH INPUT MODEL`: a frozen graph as an ONNX model.

A separate process, because tf2onnx iterates over sets of names: a fixed hash seed, which Python reads at its start,
fixes their order. It iterates over sets of objects too, in the order of their addresses: `onnx_names` corrects that.
"""

import sys
from pathlib import Path

from inference_image_export import canonical, onnx_names
from inference_image_export.verify import OUTPUTS

OPSET = 17
"""The opset of ONNX 1.12 (2022), which current serving runtimes read."""


def main(graph: Path, input_type: str, model: Path) -> None:
    """Writes `model`. Raises what tf2onnx raises, or onnx's checker when tf2onnx leaves an op unconverted."""
    import onnx
    import tf2onnx

    converted, _ = tf2onnx.convert.from_graph_def(
        canonical.read_graph(graph),
        input_names=[f"{input_type}:0"],
        output_names=[f"{name}:0" for name in OUTPUTS],
        opset=OPSET,
    )
    onnx_names.canonicalise(converted)
    onnx.checker.check_model(converted)
    canonical.write(converted, model)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
