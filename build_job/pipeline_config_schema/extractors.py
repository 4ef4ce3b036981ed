"""Finds which feature extractors of the adapted package build a detection graph on current TensorFlow.

A type of the package can still fail: some call parts of `tf.contrib`, which ended with TensorFlow 1, some are Python 2.
The models here are small but have the structure of their type.
"""

import warnings
from collections.abc import Mapping, Sequence

from google.protobuf import text_format
from object_detection import exporter
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

_HYPERPARAMS = """
    regularizer { l2_regularizer { weight: 0.0001 } }
    initializer { truncated_normal_initializer { stddev: 0.03 } }
"""
_CONVOLUTION = f"conv_hyperparams {{ {_HYPERPARAMS} batch_norm {{ }} }}"
_SSD = """
model { ssd {
  num_classes: 3
  image_resizer { fixed_shape_resizer { height: %(size)d width: %(size)d } }
  feature_extractor { type: '%(type)s' override_base_feature_extractor_hyperparams: true %(convolution)s }
  box_predictor { %(predictor)s }
  anchor_generator { %(anchors)s }
  box_coder { faster_rcnn_box_coder { } }
  matcher { argmax_matcher { } }
  similarity_calculator { iou_similarity { } }
  loss { classification_loss { weighted_sigmoid { } } localization_loss { weighted_smooth_l1 { } } }
  post_processing { batch_non_max_suppression { } score_converter: SIGMOID }
} }
"""
_FASTER_RCNN = """
model { faster_rcnn {
  num_classes: 3
  image_resizer { fixed_shape_resizer { height: 300 width: 300 } }
  feature_extractor { type: '%(type)s' first_stage_features_stride: 16 }
  first_stage_anchor_generator { grid_anchor_generator {
    scales: 1.0 aspect_ratios: 1.0 height_stride: 16 width_stride: 16
  } }
  first_stage_box_predictor_conv_hyperparams { op: CONV %(hyperparams)s }
  first_stage_nms_score_threshold: 0.0
  first_stage_nms_iou_threshold: 0.7
  first_stage_max_proposals: 10
  initial_crop_size: 14
  maxpool_kernel_size: 2
  maxpool_stride: 2
  second_stage_box_predictor { mask_rcnn_box_predictor { fc_hyperparams { op: FC %(hyperparams)s } } }
  second_stage_post_processing { batch_non_max_suppression { } score_converter: SOFTMAX }
} }
"""


def names() -> dict[str, list[str]]:
    """The feature extractor types of the package, by architecture, in alphabetical order."""
    return {
        "faster_rcnn": sorted(
            {
                *model_builder.FASTER_RCNN_FEATURE_EXTRACTOR_CLASS_MAP,
                *model_builder.FASTER_RCNN_KERAS_FEATURE_EXTRACTOR_CLASS_MAP,
            }
        ),
        "ssd": sorted(
            {
                *model_builder.SSD_FEATURE_EXTRACTOR_CLASS_MAP,
                *model_builder.SSD_KERAS_FEATURE_EXTRACTOR_CLASS_MAP,
            }
        ),
    }


def tried(types: Mapping[str, Sequence[str]]) -> dict[str, dict[str, list[str]]]:
    """Tries each type; returns them by architecture, under `buildable` or `unbuildable`."""
    result: dict[str, dict[str, list[str]]] = {}
    for architecture, members in types.items():
        lists = result[architecture] = {"buildable": [], "unbuildable": []}
        for name in members:
            lists["unbuildable" if failure(architecture, name) else "buildable"].append(name)
    return result


def failure(architecture: str, name: str) -> str:
    """The error when the package builds the detection graph of this type; empty on success."""
    parsed = text_format.Parse(config(architecture, name), pipeline_pb2.TrainEvalPipelineConfig())
    try:
        with tf.Graph().as_default(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the package's own deprecation warnings
            model = model_builder.build(parsed.model, is_training=False)
            exporter.build_detection_graph(
                "image_tensor", model, input_shape=None, output_collection_name="inference_op", graph_hook_fn=None
            )
    except Exception as error:  # noqa: BLE001 - whatever it raises, this type cannot be exported
        return f"{type(error).__name__}: {error}"
    return ""


def config(architecture: str, name: str) -> str:
    """A small config with a feature extractor of this type."""
    return _ssd(name) if architecture == "ssd" else _FASTER_RCNN % {"type": name, "hyperparams": _HYPERPARAMS}


def _ssd(name: str) -> str:
    """A config with the anchors and the box predictor of this type's published configs."""
    pyramid, pooling = "fpn" in name, "ppn" in name
    shared = "weight_shared_convolutional_box_predictor { depth: 32 num_layers_before_predictor: 1 %s }"
    equal = "reduce_boxes_in_lowest_layer: false"  # one predictor for all layers needs the same number of boxes in each
    layers = 5 if name.startswith("embedded") else 6
    return _SSD % {
        "type": name,
        "size": 256 if name.startswith("embedded") else 320,
        "convolution": _CONVOLUTION,
        "predictor": (shared if pyramid or pooling else "convolutional_box_predictor { %s }") % _CONVOLUTION,
        "anchors": "multiscale_anchor_generator { aspect_ratios: 1.0 }"
        if pyramid
        else f"ssd_anchor_generator {{ num_layers: {layers} aspect_ratios: 1.0 {equal if pooling else ''} }}",
    }
