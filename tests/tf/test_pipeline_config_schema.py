"""The resolve step's schema of pipeline configs equals the adapted Object Detection API's."""

import functools

import pytest
from google.protobuf import text_format
from object_detection import exporter
from object_detection.builders import graph_rewriter_builder, model_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

from inference_image_build.pipeline_config import model, schema
from pipeline_config_schema import descriptors, extractors

REMEDY = "the adapted package changed: run `make config-schema` and commit what it wrote"
MODELS = schema.extractors()
SMALL = [("ssd", "ssd_mobilenet_v1"), ("ssd", "ssd_mobilenet_v2_keras"), ("faster_rcnn", "faster_rcnn_resnet50")]
UNBUILDABLE = [(architecture, name) for architecture, types in MODELS.items() for name in types.unbuildable]
CHOICES = [(architecture, choice) for architecture, choices in model.CHOICES.items() for choice in choices]


def config(architecture: str):
    text = extractors.config(architecture, "ssd_mobilenet_v1" if architecture == "ssd" else "faster_rcnn_resnet50")
    return text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig())


def test_the_messages_are_those_of_the_package():
    assert schema.descriptors() == descriptors.file_descriptor_set(), REMEDY


def test_the_feature_extractors_are_those_of_the_package():
    known = {architecture: sorted((*types.buildable, *types.unbuildable)) for architecture, types in MODELS.items()}
    assert known == extractors.names(), REMEDY


def test_the_architectures_are_those_of_the_package():
    assert set(MODELS) == {field.name for field in schema.root().DESCRIPTOR.fields_by_name["model"].message_type.fields}
    assert set(MODELS) == set(model.CHOICES)


@pytest.mark.parametrize(("architecture", "name"), SMALL)
def test_a_supported_type_builds(architecture, name):
    assert name in MODELS[architecture].buildable
    assert extractors.failure(architecture, name) == ""


@pytest.mark.parametrize(("architecture", "name"), UNBUILDABLE)
def test_an_unsupported_type_does_not_build(architecture, name):
    assert extractors.failure(architecture, name), REMEDY


@pytest.mark.parametrize(("architecture", "choice"), CHOICES)
def test_no_model_is_built_without_a_choice(architecture, choice):
    whole = config(architecture)
    *path, last = choice.split(".")
    functools.reduce(getattr, path, getattr(whole.model, architecture)).ClearField(last)
    with tf.Graph().as_default(), pytest.raises(ValueError, match=r"(?i)unknown|empty|invalid"):
        model_builder.build(whole.model, is_training=False)


def test_quantization_cannot_be_exported():
    whole = config("ssd")
    whole.graph_rewriter.SetInParent()
    with tf.Graph().as_default(), pytest.raises(NotImplementedError, match="quantize"):
        exporter.build_detection_graph(
            "image_tensor",
            model_builder.build(whole.model, is_training=False),
            input_shape=None,
            output_collection_name="inference_op",
            graph_hook_fn=graph_rewriter_builder.build(whole.graph_rewriter, is_training=False),
        )
