"""`describe` and `history`: what a person sees of an object, also without some rights."""

import re
from typing import Any

import pytest

from kubectl_inferenceimage.cluster.describe import Node, describe, tree
from kubectl_inferenceimage.cluster.verbs import history
from kubectl_inferenceimage.errors import CommandError

Object = dict[str, Any]
DIGEST = "sha256:" + "d" * 64
IMAGE: Object = {
    "metadata": {"namespace": "team-a", "name": "detector", "uid": "1"},
    "status": {
        "conditions": [
            {"type": "Ready", "status": "False", "reason": "ImageDoesNotStart", "message": "The image exits.\x1b[2J"},
            {"type": "Resolved", "status": "True", "reason": "Resolved"},
            {"type": "Exported", "status": "True", "reason": "Reused"},
            {"type": "Tested", "status": "False", "reason": "ImageDoesNotStart"},
        ],
        "timings": {"resolve": "3s"},
        "lastFailure": {
            "stage": "Test",
            "job": "detector-test-1",
            "reason": "ImageDoesNotStart",
            "message": "The image exits.",
            "hint": "See the log.",
            "logTail": "Traceback\nImportError",
            "time": "2026-01-01T00:00:00Z",
        },
        "image": {"reference": f"uhub/demo@{DIGEST}", "digest": DIGEST, "tags": ["test"], "step": 800},
        "history": [{"digest": DIGEST, "contentHash": "c", "step": 800, "time": "2026-01-01T00:00:00Z"}],
    },
}
LABELS = {"batch.kubernetes.io/job-name": "detector-test-1", "uai.ucloud.cn/stage": "Test"}
JOBS = [
    {"metadata": {"name": "detector-test-0", "creationTimestamp": "1"}},
    {"metadata": {"name": "detector-test-1", "creationTimestamp": "2", "annotations": {"uai.ucloud.cn/attempt": "2"}}},
]
PODS = [
    {
        "metadata": {"name": "pod", "creationTimestamp": "1", "labels": LABELS},
        "spec": {"initContainers": [{"name": "image"}], "containers": [{"name": "probe"}, {"name": "injected"}]},
        "status": {
            "phase": "Failed",
            "containerStatuses": [{"name": "probe", "state": {"waiting": {"reason": "PodInitializing"}}}],
            "initContainerStatuses": [{"name": "image", "state": {"terminated": {"exitCode": 3, "reason": "Error"}}}],
        },
    }
]


class FakeCluster:
    """A cluster of one object."""

    def __init__(self, image: Object = IMAGE, pods: list[Object] | None = None, *, may_list: bool = True) -> None:
        self._image = image
        self._pods = PODS if pods is None else pods
        self._may_list = may_list

    def image(self, _: str) -> Object:
        return self._image

    def jobs(self, uid: str) -> list[Object]:
        assert uid == self._image["metadata"]["uid"]
        if not self._may_list:
            raise CommandError("You may not list the Jobs in team-a. Ask for that right in the namespace.")
        return JOBS

    def pods(self, _: str) -> list[Object]:
        return self._pods


def test_a_failure_is_shown_down_to_the_container(capsys: pytest.CaptureFixture[str]) -> None:
    describe(FakeCluster(), "detector")
    lines = [re.sub(r"^[│├└─ ]+", "", line).rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "InferenceImage team-a/detector",
        "Ready: False (ImageDoesNotStart)",
        "The image exits.\N{REPLACEMENT CHARACTER}[2J",
        "Resolve: Resolved (3s)",
        "Export: Reused",
        "Build: Pending",
        "Test: ImageDoesNotStart",
        "Job detector-test-1, attempt 2",
        "Pod pod: Failed",
        "image: exit code 3 (Error)",
        "probe: waiting (PodInitializing)",
        "Publish: Pending",
        f"Image: uhub/demo@{DIGEST}",
        "Tags: test",
        "Step: 800",
        "Last failure: ImageDoesNotStart in Test, 2026-01-01T00:00:00Z",
        "The image exits.",
        "Remedy: See the log.",
        "Log",
        "Traceback",
        "ImportError",
    ]


def texts(node: Node) -> list[str]:
    return [node.text, *(text for below in node.below for text in texts(below))]


def with_status(**fields: object) -> list[str]:
    """The tree of an object with this status, line by line, without its stages."""
    found = tree({"metadata": IMAGE["metadata"], "status": fields}, [], [])
    return [text for node in (*found.overall, *found.published) for text in texts(node)]


def test_a_pin_is_shown_with_what_it_holds() -> None:
    message = f"spec.image.pin holds {DIGEST}, step 800. Nothing is polled or built until it is removed."
    pinned = {"type": "Pinned", "status": "True", "reason": "Pinned", "message": message}
    assert with_status(conditions=[pinned]) == ["Pinned: True (Pinned)", message]


def test_a_rollout_is_shown_with_its_target_its_image_and_the_remedy() -> None:
    said = "Deployment/server was not available within 10m. To try it again, set the annotation."
    lines = with_status(
        conditions=[{"type": "RolledOut", "status": "False", "reason": "RolledBack", "message": said}],
        rollout={
            "target": "Deployment/server",
            "image": f"uhub/demo@{DIGEST}",
            "previousImage": "uhub/demo:v1",
            "phase": "RolledBack",
        },
    )
    assert lines == [
        "RolledOut: False (RolledBack)",
        said,
        "Target: Deployment/server",
        f"Image: uhub/demo@{DIGEST}",
        "Image before: uhub/demo:v1",
    ]


def test_a_rollout_that_has_not_begun_says_what_it_waits_for() -> None:
    told = {"type": "RolledOut", "status": "False", "reason": "RolloutNotAgreed", "message": "Set the annotation."}
    assert with_status(conditions=[told]) == ["RolledOut: False (RolloutNotAgreed)", "Set the annotation."]


def test_a_missing_right_costs_one_part(capsys: pytest.CaptureFixture[str]) -> None:
    describe(FakeCluster(may_list=False), "detector")
    shown = capsys.readouterr().out
    assert "You may not list the Jobs in team-a." in shown
    assert "Last failure: ImageDoesNotStart" in shown
    assert "Pod pod" not in shown


def test_a_new_object_has_a_tree() -> None:
    new = {"metadata": {"namespace": "team-a", "name": "detector", "uid": "1"}}
    assert [node.text for node in tree(new, [], []).whole.below] == [
        "Resolve: Pending",
        "Export: Pending",
        "Build: Pending",
        "Test: Pending",
        "Publish: Pending",
    ]


def test_the_history(capsys: pytest.CaptureFixture[str]) -> None:
    history(FakeCluster(), "detector")
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["PUBLISHED", "CHECKPOINT", "DIGEST"],
        ["2026-01-01T00:00:00Z", "800", DIGEST],
    ]
    history(FakeCluster(IMAGE | {"status": {}}), "detector")
    assert capsys.readouterr().out == "detector has published nothing.\n"
