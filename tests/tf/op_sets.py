"""`python -m tests.tf.op_sets`: the ops of the inference graphs that a pipeline.config can ask of the exporter.

It builds each graph without weights, which takes a quarter of an hour, and prints every op with the first
configuration that has it. `inference_image_export/program/allowed-ops.txt` was made from this list.
"""

import sys
from collections.abc import Iterator

from google.protobuf import text_format
from object_detection import exporter
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

from tests.tf.architectures import FAMILIES, faster_rcnn, ssd

VARIABLES = {"VariableV2", "VarHandleOp", "ReadVariableOp"}
"""Constants in a frozen graph."""

_SSD, _RCNN = ssd("ssd_mobilenet_v1"), faster_rcnn("faster_rcnn_resnet50")
_FIXED = "fixed_shape_resizer { height: 128 width: 128 }"
_KEPT = "keep_aspect_ratio_resizer { min_dimension: 96 max_dimension: 128 pad_to_max_dimension: true %s }"
_CODER = "faster_rcnn_box_coder { y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 }"
_SCORES = "score_converter: SIGMOID"
_MOST = "max_total_detections: 10"
_RCNN_BOXES = "mask_rcnn_box_predictor {"
_STAGE_2 = "first_stage_anchor_generator"
_MASKS = "mask_prediction_conv_depth: 8 mask_height: 15 mask_width: 15 mask_prediction_num_conv_layers: 2"
_PAIRS = "x_y_pair { x: 0 y: 0 } x_y_pair { x: 1 y: 1 }"
_OF_CLASSES = " ".join(f"class_id_xy_pairs_map {{ key: {n} value {{ {_PAIRS} }} }}" for n in range(3))
_CONV = """conv_hyperparams { op: CONV regularizer { l2_regularizer { weight: 0.00004 } }
  initializer { truncated_normal_initializer { stddev: 1e-9 mean: 0.0 } } }"""

_OF_SSD = (
    *((_FIXED, _FIXED.replace("}", f"resize_method: {how} }}")) for how in ("NEAREST_NEIGHBOR", "BICUBIC", "AREA")),
    *((_FIXED, _KEPT % f"resize_method: {how}") for how in ("BILINEAR", "NEAREST_NEIGHBOR", "BICUBIC", "AREA")),
    (_FIXED, _FIXED.replace("}", "convert_to_grayscale: true }")),
    (_FIXED, _KEPT % ("convert_to_grayscale: true" + 3 * " per_channel_pad_value: 1")),
    *((_SCORES, f"score_converter: {how}") for how in ("IDENTITY", "SOFTMAX", "SIGMOID logit_scale: 2.0")),
    *((_CODER, how) for how in ("square_box_coder {}", "mean_stddev_box_coder {}")),
    *(
        (_SCORES, f"{_SCORES} calibration_config {{ {how} }}")
        for how in (
            f"function_approximation {{ x_y_pairs {{ {_PAIRS} }} }}",
            f"class_id_function_approximations {{ {_OF_CLASSES} }}",
            "sigmoid_calibration { sigmoid_parameters { a: -1 b: 0 } }",
        )
    ),
    ("kernel_size: 1", "use_dropout: true kernel_size: 3 use_depthwise: true apply_sigmoid_to_scores: true"),
    *(("RELU_6", how) for how in ("NONE", "RELU")),
)
_SUPPRESSIONS = (
    "use_class_agnostic_nms: true max_classes_per_detection: 2",
    "use_class_agnostic_nms: true use_static_shapes: true",
    "soft_nms_sigma: 0.5",
)
_OF_RCNN = (
    (
        _RCNN_BOXES,
        f"{_RCNN_BOXES} predict_instance_masks: true {_CONV} {_MASKS}",
    ),
    (_RCNN_BOXES, f"{_RCNN_BOXES} use_dropout: true share_box_across_classes: true"),
    (_STAGE_2, f"use_matmul_crop_and_resize: true clip_anchors_to_image: true {_STAGE_2}"),
    ("scales: [0.25, 0.5]", "scales: [0.5]"),
)
_EXTRACTORS = (
    (faster_rcnn, "faster_rcnn_inception_resnet_v2"),
    (faster_rcnn, "faster_rcnn_resnet101"),
)


def models() -> Iterator[str]:
    """The `model` of each configuration."""
    yield from (family.model for family in FAMILIES)
    yield from (_SSD.replace(*change) for change in _OF_SSD)
    yield from (_RCNN.replace(*change) for change in _OF_RCNN)
    yield from (model.replace(_MOST, f"{_MOST} {how}") for model in (_SSD, _RCNN) for how in _SUPPRESSIONS)
    yield from (kind(name) for kind, name in _EXTRACTORS)
    yield _RCNN.replace(_RCNN_BOXES, f"{_RCNN_BOXES} predict_instance_masks: true {_CONV}").replace(
        _STAGE_2, f"number_of_stages: 3 {_STAGE_2}"
    )
    before, _, after = _RCNN.partition("second_stage_box_predictor {")
    bins = "num_spatial_bins_height: 3 num_spatial_bins_width: 3 depth: 16 crop_height: 18 crop_width: 18"
    after = after[after.index("second_stage_post_processing") :]
    yield f"{before} second_stage_box_predictor {{ rfcn_box_predictor {{ {_CONV} {bins} }} }} {after}"


def ops(model: str, input_type: str) -> set[str]:
    """The ops between the picture and the detections, as a frozen graph has them."""
    config = text_format.Parse(f"model {{ {model} }}", pipeline_pb2.TrainEvalPipelineConfig())
    with tf.Graph().as_default() as graph:
        built = model_builder.build(config.model, is_training=False)
        outputs, _ = exporter.build_detection_graph(input_type, built, None, "inference_op", None)
        names = [output.op.name for output in outputs.values()]
        reached = tf.graph_util.extract_sub_graph(graph.as_graph_def(), names)
    return {node.op for node in reached.node} - VARIABLES


def main() -> None:
    """Prints every op with the first model that has it; what does not build goes to standard error."""
    found: dict[str, str] = {}
    for model in models():
        for input_type in ("image_tensor", "tf_example") if not found else ("image_tensor",):
            try:
                new = ops(model, input_type) - found.keys()
            except (
                text_format.ParseError,
                ValueError,
                TypeError,
                AttributeError,
            ) as error:  # this exporter cannot build the configuration
                print(f"not built ({error}): {' '.join(model.split())}", file=sys.stderr)
                break
            for op in sorted(new):
                print(op, "|", " ".join(model.split()), flush=True)
            found |= dict.fromkeys(new, model)


if __name__ == "__main__":
    main()
