"""`python -m inference_image_export.to_onnx GRAPH INPUT MODEL`: a frozen graph as an ONNX model.

A process of its own, for tf2onnx walks through sets of names: a fixed hash seed, which Python takes at its start, gives
the variables of a loop one order. `onnx_names` does the rest.
"""

import sys
from pathlib import Path

from inference_image_export import canonical, onnx_names
from inference_image_export.verify import OUTPUTS

OPSET = 17
"""Operators of ONNX 1.12 (2022): what serving runtimes of the last years read."""


def main(graph: Path, input_type: str, model: Path) -> None:
    """Writes `model`. Raises whatever tf2onnx raises, or onnx's checker where tf2onnx left an operator as it was."""
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
