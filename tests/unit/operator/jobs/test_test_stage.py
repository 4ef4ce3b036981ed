"""The Test stage's pod with an expected answer, or with a comparison with the frozen graph."""

import msgspec
import pytest

from inference_image_contract import inputs, paths
from inference_image_operator.api import Spec, read
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from tests.support.world import RESULTS, SPEC, World
from tests.unit.operator.jobs.test_manifest_corners import containers, job, work


def test_the_graph_runs_before_the_image_starts():
    found = job(Stage.TEST, test={"matchGraph": True, "sample": "uai/sample.jpg"})
    assert list(containers(found)) == ["sample", "answer", "image", "probe"]
    asked = work(found, "answer", inputs.AnswerInput)
    assert (asked.sample, asked.input_type) == ("uai/sample.jpg", "image_tensor")
    assert asked.graph.key.endswith("frozen_inference_graph.pb")
    assert "/resolved/" in asked.input_lock.key
    probe = work(found, "probe", inputs.ProbeInput)
    assert probe.match_graph
    where = {
        c["name"]: [m for m in c.get("volumeMounts", []) if m["name"] == "workspace"]
        for c in containers(found).values()
    }
    assert [bool(where[name]) for name in where] == [True, True, False, True]
    assert where["probe"][0]["readOnly"]


@pytest.mark.parametrize(
    ("test", "names"),
    [
        ({}, ["probe"]),
        ({"sample": "a.png"}, ["sample", "probe"]),
        ({"matchGraph": True}, ["sample", "answer", "probe"]),
    ],
    ids=["no sample", "a sample", "the graph"],
)
def test_each_container_of_ours_runs_the_step_of_its_name(test, names):
    found = containers(job(Stage.TEST, test=test))
    assert {name: c["args"] for name, c in found.items() if name != "image"} == {name: [name] for name in names}


def test_what_runs_a_graph_shares_only_the_workspace_and_prints_nothing_into_the_status():
    """Without keys, with a /tmp of its own, and without its log as the termination message."""
    test = containers(job(Stage.TEST, test={"matchGraph": True}))
    export = containers(job(Stage.EXPORT))
    for found, name in ((test, "answer"), (export, "export")):
        assert [item["name"] for item in found[name]["env"]] == [paths.INPUT_ENV]
        assert found[name]["terminationMessagePolicy"] == "File"
        mounts = {other: {m["name"] for m in c.get("volumeMounts", [])} for other, c in found.items()}
        assert mounts.pop(name) == {"tmp-of-graphs", "workspace"}
        assert all("tmp-of-graphs" not in names for names in mounts.values())
    (read,) = [m for m in export["upload"]["volumeMounts"] if m["name"] == "workspace"]
    assert read["readOnly"]


def test_the_sample_is_fetched_before_the_image_starts():
    world = World()
    world.spec["test"] = {"sample": "uai/sample.png"}
    world.settle()
    world.finish(msgspec.structs.replace(RESULTS[Stage.RESOLVE], sample_etag="e1"))
    found = job(Stage.TEST, world)
    assert list(containers(found)) == ["sample", "image", "probe"]
    asked = work(found, "sample", inputs.SampleInput)
    assert (asked.sample, asked.sample_etag) == ("uai/sample.png", "e1")
    assert work(found, "probe", inputs.ProbeInput).sample == "uai/sample.png"
    mounts = {name: [m["name"] for m in c.get("volumeMounts", [])] for name, c in containers(found).items()}
    assert mounts == {"sample": ["tmp", "workspace"], "image": [], "probe": ["tmp", "workspace"]}


def test_publish_does_not_wait_for_an_image_that_ignores_sigterm():
    grace = {stage: job(stage)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] for stage in Stage}
    assert grace == dict.fromkeys(Stage, 10) | {Stage.TEST: 1}


def test_without_a_sample_nothing_is_handed_on():
    found = job(Stage.TEST)
    assert list(containers(found)) == ["image", "probe"]
    assert [volume["name"] for volume in found["spec"]["template"]["spec"]["volumes"]] == ["tmp"]


def test_the_probe_knows_the_pods_address():
    found = {variable["name"]: variable for variable in containers(job(Stage.TEST))["probe"]["env"]}
    assert found[paths.POD_IP_ENV]["valueFrom"] == {"fieldRef": {"fieldPath": "status.podIP"}}


def test_the_image_gets_no_credentials():
    found = containers(job(Stage.TEST, test={"matchGraph": True}))
    secret = {name: "secretKeyRef" in str(c) for name, c in found.items()}
    assert secret == {"sample": True, "answer": False, "image": False, "probe": False}


def expected(*fields: dict) -> inputs.ProbeInput:
    return work(job(Stage.TEST, test={"expect": {"status": 201, "fields": list(fields)}}), "probe", inputs.ProbeInput)


def test_the_expected_response_reaches_the_probe():
    probe = expected({"path": "/a"})
    assert probe.status == 201
    assert [msgspec.to_builtins(field) for field in probe.fields] == [{"path": "/a"}]


DEEP = "[" * 256 + "]" * 256


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (3, 3),
        ("circle", "circle"),
        ("3", 3),
        ('"3"', "3"),
        ("0.98", 0.98),
        ("null", None),
        ("true", True),
        ('{"d": [1, "x"]}', {"d": [1, "x"]}),
        ("[1, 2", "[1, 2"),
        ("", ""),
        (DEEP, msgspec.json.decode(DEEP)),
    ],
    ids=lambda value: str(value)[:12],
)
def test_an_expected_text_that_is_json_stands_for_its_value(written, value):
    (field,) = expected({"path": "/a", "equals": written}).fields
    assert field.equals == value


@pytest.mark.parametrize(
    ("test", "same"),
    [
        ({}, True),
        ({"expect": {}, "matchGraph": False}, True),
        ({"matchGraph": True}, False),
        ({"expect": {"status": 200}}, False),
        ({"expect": {"fields": [{"path": "/a"}]}}, False),
        ({"expect": {"fields": [{"path": "/a", "equals": "null"}]}}, False),
    ],
)
def test_only_a_test_option_that_is_set_changes_the_input_hash(test, same):
    before = input_hash(read(Spec, SPEC), "")
    assert (input_hash(read(Spec, SPEC | {"test": test}), "") == before) is same
