"""The TensorFlow that a base image declares, and the error when it is too old for the graph."""

import pytest

from inference_image_build.images import base_tensorflow
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def config(labels=None, env=()) -> dict[str, object]:
    return {"config": {"Labels": labels, "Env": list(env)}}


@pytest.mark.parametrize(
    ("name", "document", "told"),
    [
        (
            "uhub.service.ucloud.cn/uaishare/cpu_uaiservice_ubuntu-16.04_python-2.7_tensorflow-1.7.0:v1.2",
            {},
            "1.7",
        ),
        ("docker.io/tensorflow/tensorflow:1.4.0-py3", {}, "1.4"),
        ("r.example/tensorflow:2.13", {}, "2.13"),
        ("r.example/tensorflow-serving:2.3", {}, "2.3"),
        ("r.example/base:1", config({"com.example.tensorflow.version": "1.4.1"}), "1.4"),
        ("r.example/base:1", config(env=("PATH=/bin", "TF_VERSION=v2.4.1+nv")), "2.4"),
        ("r.example/base:1", config(env=("TENSORFLOW_VERSION=1.15.5",)), "1.15"),
        ("r.example/tensorflow:1.4", config({"tensorflow": "2.1"}), "2.1"),
        ("r.example/base:1.4", {}, ""),
        ("r.example/tensorflow:latest", {}, ""),
        ("r.example/tensorflow:v1.2", config(env=("PYTHON_VERSION=3.7", "TF_CPP_MIN_LOG_LEVEL=2")), "1.2"),
        ("r.example/base:1", {"config": {"Labels": ["tensorflow=1.4"], "Env": None}}, ""),
        ("r.example/base:1", {"config": []}, ""),
    ],
)
def test_the_version_that_a_base_declares(name, document, told):
    assert base_tensorflow.declared(name, document) == told


@pytest.mark.parametrize(
    ("told", "input_type", "readable_by"),
    [
        ("", "image_tensor", ""),
        ("1.7", "image_tensor", ""),
        ("2.1", "image_tensor", ""),
        ("2.3", "tf_example", ""),
        ("1.4", "image_tensor", "1.7"),
    ],
    ids=["nothing told", "the tutorial's", "newer", "decodes files", "the object knows better"],
)
def test_a_recent_base_passes(told, input_type, readable_by):
    base_tensorflow.check(told, input_type, readable_by, "r.example/base:1", "Dockerfile, line 1,")


@pytest.mark.parametrize(
    ("told", "input_type", "needed", "hint"),
    [
        ("1.4", "image_tensor", "1.7", "Use a base image with TensorFlow 1.7 or later, set spec.export.readableBy"),
        ("1.15", "encoded_image_string_tensor", "2.3", "set spec.export.inputType to image_tensor"),
    ],
)
def test_an_older_base_is_refused_with_line_and_image(told, input_type, needed, hint):
    with pytest.raises(StageError) as caught:
        base_tensorflow.check(told, input_type, "", "r.example/tf:1", "Dockerfile, line 4,")
    assert caught.value.reason is Reason.GRAPH_INCOMPATIBLE
    assert caught.value.message == (
        f"Dockerfile, line 4, names r.example/tf:1, which has TensorFlow {told}; the graph for inputType {input_type} "
        f"needs TensorFlow {needed} or later."
    )
    assert hint in caught.value.hint
