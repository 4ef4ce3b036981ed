"""What a pod of a Deployment says when it is not available."""

from typing import Any

import pytest

from inference_image_operator.diagnosis.serving_pod import said
from inference_image_operator.observed import Container, Pod
from tests.support.world import START


@pytest.mark.parametrize(
    ("container", "words"),
    [
        ({"exit_code": 1, "report": "x\n  no model \n\n"}, ", container main: exit code 1: no model"),
        ({"exit_code": 137, "ended": "OOMKilled"}, ", container main: exit code 137, OOMKilled."),
        ({"waiting": "ImagePullBackOff", "message": "not\nfound"}, ", container main: ImagePullBackOff: not found"),
        ({"waiting": "CrashLoopBackOff"}, ", container main: CrashLoopBackOff."),
        ({"waiting": "ContainerCreating"}, " is not ready."),
        ({"waiting": "PodInitializing"}, " is not ready."),
        ({}, " is not ready."),
        ({"init": True, "exit_code": 0}, " is not ready."),
        ({"init": True, "exit_code": 2}, ", container main: exit code 2."),
        ({"exit_code": 1, "report": "https://user:hunter2@host/"}, ", container main: exit code 1: https://***@host/"),
        ({"exit_code": 1, "report": "y" * 5000}, f", container main: exit code 1: {'y' * 300}"),
    ],
)
def test_a_container_says_why(container: dict[str, Any], words: str):
    found = said(Pod(name="p", uid="u", phase="", created=START, containers=(Container(name="main", **container),)))
    assert found == f"Pod p{words}"


def test_the_scheduler_says_why():
    found = said(Pod(name="p", uid="u", phase="", created=START, unschedulable="0/1 nodes\nare available"))
    assert found == "Pod p is not scheduled: 0/1 nodes are available"
