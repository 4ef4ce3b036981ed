"""What the watches bring becomes pods and spans; the floor's Jobs and the images to forget."""

import json

import pytest

from bench.latency.floor import bare
from bench.latency.node import removable
from bench.latency.recording import STAGE, Recording, asked, container, span
from devcluster.settings import REGISTRY_HOST
from inference_image_contract.clock import Took, line

JOB = {"metadata": {"name": "a-build", "labels": {STAGE: "Build"}}}
LOG = f'2026-01-31T09:30:01.500000000Z {{"digest":"x"}}\n2026-01-31T09:30:02.250000000Z {line(Took(0.1, 0.2, 0.3))}\n'


def pod(phase, *conditions, ended=()):
    statuses = [
        {"name": name, "state": {"terminated": {"exitCode": 0, "finishedAt": "2026-01-31T09:30:02Z"}}} for name in ended
    ]
    return {
        "metadata": {"name": "a-build-x", "labels": {"batch.kubernetes.io/job-name": "a-build"}},
        "spec": {"initContainers": [{"name": "assemble"}], "containers": [{"name": "report"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": kind, "status": "True"} for kind in conditions],
            "containerStatuses": statuses,
        },
    }


def event(reason, field):
    return {"reason": reason, "involvedObject": {"name": "a-build-x", "fieldPath": field}}


def test_a_pod_is_known_by_the_first_time_of_everything():
    found = Recording()
    for now, kind, brought in (
        (1.0, "jobs", JOB),
        (2.0, "pods", pod("Pending")),
        (3.0, "pods", pod("Pending", "PodScheduled")),
        (3.5, "pods", pod("Running", "PodScheduled")),
        (4.0, "events", event("Pulled", "spec.initContainers{assemble}")),
        (4.5, "events", event("Pulled", "spec.initContainers{assemble}")),
        (5.0, "events", event("Pulled", "spec.containers{report}")),
        (5.5, "events", {"reason": "Scheduled", "involvedObject": {"name": "a-build-x"}}),
        (5.8, "pods", pod("Running", "PodScheduled", ended=["report"])),
        (6.0, "pods", pod("Succeeded", "PodScheduled", ended=["report"])),
    ):
        found.add(kind, brought, now)
    (known,) = found.pods(STAGE, 0.5, lambda _, name: LOG if name == "assemble" else "")
    assert (known.stage, known.job, known.created, known.scheduled) == ("Build", 1.0, 2.0, 3.0)
    assert (known.done, known.succeeded) == (5.8, 6.0)
    assert [(one.name, one.events) for one in known.containers] == [
        ("assemble", {"Pulled": 4.0}),
        ("report", {"Pulled": 5.0}),
    ]
    assert [one.told for one in known.containers] == [0.0, 5.8]
    assert [one.took for one in known.containers] == [Took(0.1, 0.2, 0.3), None]
    assert found.jobs(STAGE, 1.5) == []


def test_a_container_has_its_line_of_the_log_and_the_end_that_the_kubelet_says():
    ended = {"name": "report", "state": {"terminated": {"finishedAt": "2026-01-31T09:30:02Z"}}}
    found = container("report", {}, {"containerStatuses": [ended]}, LOG)
    assert (found.took, found.said - found.finished) == (Took(0.1, 0.2, 0.3), pytest.approx(0.25))


def image(generation, request, handled, ready="True", **more):
    return {
        "metadata": {"generation": generation, "annotations": {"uai.ucloud.cn/requestedAt": request}},
        "status": {
            "observedGeneration": generation,
            "lastHandledRequest": handled,
            "conditions": [{"type": "Ready", "status": ready}],
            **more,
        },
    }


def test_a_run_is_from_the_write_that_asks_for_it_to_ready():
    before = image(1, "a", "a")
    states = [
        (1.0, before),
        (2.0, image(1, "b", "a")),
        (3.0, image(1, "b", "b", "Unknown", stage={})),
        (4.0, image(1, "b", "b", stage={})),
    ]
    assert span(states, asked(before)) is None
    assert span([*states, (5.0, image(1, "b", "b"))], asked(before)) == (2.0, 5.0)
    assert span([(1.0, before)], None) == (1.0, 1.0)


def test_a_bare_job_has_nothing_of_the_operator_and_the_same_containers():
    template = {
        "metadata": {"labels": {"controller-uid": "1", STAGE: "Build"}},
        "spec": {"containers": [{"name": "x"}]},
    }
    job = {
        "metadata": {"name": "a", "namespace": "n", "uid": "1", "labels": {STAGE: "Build"}, "ownerReferences": [{}]},
        "spec": {"selector": {}, "suspend": False, "backoffLimit": 0, "template": template},
        "status": {"succeeded": 1},
    }
    found = bare(job, "floor-0")
    assert found["metadata"] == {"name": "floor-0", "namespace": "n", "labels": {"bench/stage": "Build"}}
    assert set(found["spec"]) == {"backoffLimit", "template"}
    assert found["spec"]["template"]["spec"] == template["spec"]
    assert "uai.ucloud.cn" not in json.dumps(found)


def test_all_names_of_an_image_of_the_registry_are_removed_and_no_other():
    lines = [
        f"{REGISTRY_HOST}/inference-image/export:latest@sha256:1 type sha256:1 rest",
        "sha256:9 type sha256:1 rest",
        f"{REGISTRY_HOST}/inference-image/operator@sha256:2 type sha256:2 rest",
        "devcluster.test/pause:1 type sha256:3 rest",
        f"{REGISTRY_HOST}/demo/e2e@sha256:4 type sha256:4 rest",
    ]
    every = list(removable(lines, ()))
    assert every == [lines[0].split()[0], "sha256:9", f"{REGISTRY_HOST}/demo/e2e@sha256:4"]
    assert list(removable(lines, ("e2e@sha256:4",))) == [f"{REGISTRY_HOST}/demo/e2e@sha256:4"]
