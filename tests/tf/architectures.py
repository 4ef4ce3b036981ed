"""Small models of each architecture family, with random weights, saved as a TensorFlow 1 training saves them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from google.protobuf import text_format
from object_detection import exporter
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

from devcluster.lib import cached
from devcluster.settings import REPOSITORY, cache
from inference_image_export.fetch import Source

STEP = 7
NUM_CLASSES = 3
AVERAGE = "/ExponentialMovingAverage"

_REGULARIZER = "regularizer { l2_regularizer { weight: 0.00004 } }"
_HYPERPARAMS = f"{_REGULARIZER} initializer {{ truncated_normal_initializer {{ stddev: 0.1 mean: 0.0 }} }}"
_SMALL = f"{_REGULARIZER} initializer {{ truncated_normal_initializer {{ stddev: 1e-9 mean: 0.0 }} }}"
"""For what reads untrained features, which are large: else the background is certain everywhere."""
_CONV = f"conv_hyperparams {{ activation: RELU_6 {_HYPERPARAMS} batch_norm {{ scale: true epsilon: 0.001 }} }}"
_ASPECTS = "aspect_ratios: [1.0, 2.0, 0.5]"
_PYRAMID_ANCHORS = f"multiscale_anchor_generator {{ min_level: 3 max_level: 7 anchor_scale: 4.0 {_ASPECTS} }}"
_PREDICTOR = f"convolutional_box_predictor {{ kernel_size: 1 box_code_size: 4 {_CONV} }}"
_SHARED_PREDICTOR = f"""weight_shared_convolutional_box_predictor {{
  depth: 32 num_layers_before_predictor: 1 kernel_size: 3 {_CONV}
}}"""
_PYRAMID = "fpn { min_level: 3 max_level: 7 additional_layer_depth: 32 }"
_SUPPRESSION = "batch_non_max_suppression { iou_threshold: 0.6 max_detections_per_class: 10 max_total_detections: 10 }"


def ssd(extractor: str, *, size: int = 128, depth: float = 0.25, layers: int = 6, pyramid: bool = False) -> str:
    """An SSD on `extractor` with `layers` feature maps; `pyramid` is for extractors with a feature pyramid (FPN)."""
    anchors = f"ssd_anchor_generator {{ num_layers: {layers} min_scale: 0.2 max_scale: 0.9 {_ASPECTS} }}"
    return f"""ssd {{
      num_classes: {NUM_CLASSES}
      image_resizer {{ fixed_shape_resizer {{ height: {size} width: {size} }} }}
      feature_extractor {{
        type: '{extractor}' depth_multiplier: {depth} min_depth: 8
        override_base_feature_extractor_hyperparams: true
        {_PYRAMID if pyramid else ""} {_CONV}
      }}
      box_predictor {{ {_SHARED_PREDICTOR if pyramid else _PREDICTOR} }}
      anchor_generator {{ {_PYRAMID_ANCHORS if pyramid else anchors} }}
      box_coder {{ faster_rcnn_box_coder {{ y_scale: 10.0 x_scale: 10.0 height_scale: 5.0 width_scale: 5.0 }} }}
      matcher {{ argmax_matcher {{ matched_threshold: 0.5 unmatched_threshold: 0.5 }} }}
      similarity_calculator {{ iou_similarity {{ }} }}
      loss {{
        classification_loss {{ weighted_sigmoid_focal {{ alpha: 0.75 gamma: 1.0 }} }}
        localization_loss {{ weighted_smooth_l1 {{ }} }}
        classification_weight: 1.0 localization_weight: 1.0
      }}
      post_processing {{ {_SUPPRESSION} score_converter: SIGMOID }}
    }}"""


def faster_rcnn(extractor: str, *, stride: int = 16) -> str:
    """A Faster R-CNN on `extractor`, with few proposals."""
    return f"""faster_rcnn {{
      num_classes: {NUM_CLASSES}
      image_resizer {{ keep_aspect_ratio_resizer {{ min_dimension: 96 max_dimension: 160 }} }}
      feature_extractor {{ type: '{extractor}' first_stage_features_stride: {stride} }}
      first_stage_anchor_generator {{ grid_anchor_generator {{
        scales: [0.25, 0.5] aspect_ratios: [1.0, 2.0] height_stride: {stride} width_stride: {stride}
      }} }}
      first_stage_box_predictor_conv_hyperparams {{ op: CONV {_SMALL} }}
      first_stage_nms_score_threshold: 0.0
      first_stage_nms_iou_threshold: 0.7
      first_stage_max_proposals: 20
      first_stage_localization_loss_weight: 2.0
      first_stage_objectness_loss_weight: 1.0
      initial_crop_size: 14
      maxpool_kernel_size: 2
      maxpool_stride: 2
      second_stage_box_predictor {{ mask_rcnn_box_predictor {{ fc_hyperparams {{ op: FC {_SMALL} }} }} }}
      second_stage_post_processing {{ {_SUPPRESSION} score_converter: SOFTMAX }}
    }}"""


@dataclass(frozen=True)
class Family:
    """One row of the tests."""

    name: str
    model: str
    averages: bool = False

    @property
    def config(self) -> str:
        """Its pipeline.config."""
        return f"model {{ {self.model} }} eval_config {{ use_moving_averages: {str(self.averages).lower()} }}"


FAMILIES = (
    Family("ssd_mobilenet_v1", ssd("ssd_mobilenet_v1")),
    Family("ssd_mobilenet_v1_fpn", ssd("ssd_mobilenet_v1_fpn", pyramid=True)),
    Family("ssd_mobilenet_v1_ppn", ssd("ssd_mobilenet_v1_ppn")),
    Family("embedded_ssd_mobilenet_v1", ssd("embedded_ssd_mobilenet_v1", size=256, layers=5)),
    Family("ssd_mobilenet_v2", ssd("ssd_mobilenet_v2")),
    Family("ssd_mobilenet_v2_fpn", ssd("ssd_mobilenet_v2_fpn", pyramid=True)),
    Family("ssd_inception_v2", ssd("ssd_inception_v2")),
    Family("ssd_inception_v3", ssd("ssd_inception_v3", size=160)),
    Family("ssd_resnet50_v1_fpn", ssd("ssd_resnet50_v1_fpn", size=160, depth=1.0, pyramid=True)),
    Family("faster_rcnn_inception_v2", faster_rcnn("faster_rcnn_inception_v2")),
    Family("faster_rcnn_resnet50", faster_rcnn("faster_rcnn_resnet50")),
    Family("ssd_mobilenet_v1 with moving averages", ssd("ssd_mobilenet_v1"), averages=True),
)


def checkpoint(family: Family) -> Source:
    """A checkpoint of the family, from the cache or made now."""
    inputs = {path.name: path for path in (Path(__file__), REPOSITORY / "requirements" / "export.txt")}
    folder = cache() / "fixture" / cached.key(inputs, family.name)
    if not cached.is_filled(folder):
        with cached.fill(folder) as scratch:
            _make(family, scratch / "result")
    return Source(
        folder / f"model.ckpt-{STEP}", "train/model.ckpt", folder / "pipeline.config", "train/pipeline.config", ()
    )


def _make(family: Family, folder: Path) -> None:
    """Builds the model with the package itself, gives it random weights and saves them.

    Features neither vanish nor grow from layer to layer (He et al. 2015), so that no two candidates have the same
    score. Moving averages get values of their own: each is a share of its variable.
    """
    folder.mkdir()
    (folder / "pipeline.config").write_text(family.config)
    pipeline = text_format.Parse(family.config, pipeline_pb2.TrainEvalPipelineConfig())
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(3)
        model = model_builder.build(pipeline.model, is_training=False)
        exporter.build_detection_graph("image_tensor", model, None, "inference_op", None)
        averages = {}
        if family.averages:
            shadow = tf.train.ExponentialMovingAverage(0.9)
            shadow.apply(tf.moving_average_variables() or tf.trainable_variables())
            averages = shadow.variables_to_restore()
        with tf.Session(graph=graph) as session:
            session.run(tf.global_variables_initializer())
            _scale_weights(session)
            _set_averages(session, averages)
            tf.train.Saver().save(session, str(folder / "model.ckpt"), global_step=STEP)


def _set_averages(session, averages) -> None:
    variables = {variable.op.name: variable for variable in tf.global_variables()}
    for name, variable in averages.items():
        if name.endswith(AVERAGE):
            variables[name].load(session.run(variable) * 0.9, session)


_SHARES = {"/ClassPredictor/weights": 0.1, "bottleneck_v1/conv3/weights": 0.1, "/BoxEncodingPredictor/weights": 0.1}
"""Of predictors, else scores are 1.0 whatever the class, and of what a residual unit adds to its own input."""
_FULLY_CONNECTED = 0.05
"""As well, of predictors that read means of features, all of which are above 0 and add up."""


def _scale_weights(session) -> None:
    for variable in tf.global_variables():
        name = variable.op.name
        if name.endswith("weights"):
            value = session.run(variable)
            inputs = np.prod(value.shape[:2] if name.endswith("depthwise_weights") else value.shape[:-1])
            share = next((share for end, share in _SHARES.items() if name.endswith(end)), 1.0)
            share *= _FULLY_CONNECTED if value.ndim == 2 else 1.0
            variable.load(value / value.std() * np.sqrt(2 / inputs) * share, session)
