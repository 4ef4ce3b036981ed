"""Rows 27 and 28: many objects."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from inference_image_operator.api.stages import Stage
from tests.faults.image.objects import ALL_DONE, GROUP, NAME, apply, conditions, created, path, published
from tests.support.world import SPEC

FINISHED = 1000
AT_ONCE = 500
MEMORY = 256 << 20
"""Bytes: the limit in the chart."""


def many(bench, call, count: int) -> None:
    apis = [bench.plane.api() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: call(apis[number % 4], number), range(count)))


@pytest.mark.row(27, "1,000 finished objects across two full resyncs and a restart: zero writes, memory bounded")
@pytest.mark.long
def test_finished_objects_cost_nothing(make_bench):
    bench = make_bench(resync="10s")
    bench.operator.start()
    apply(bench)
    status = published(bench)["status"]
    body = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "spec": SPEC}
    bench.operator.stop()

    def finished(api, number: int) -> None:
        name = f"finished-{number}"
        found = api.request("POST", bench.path(GROUP, "inferenceimages"), body | {"metadata": {"name": name}})
        api.request("PUT", path(bench.namespace, name) + "/status", {**found, "status": status})

    many(bench, finished, FINISHED)
    before = len(_by_operator(bench))
    bench.operator.start()
    wanted = f"resync: {FINISHED + 1} objects, 0 not settled"
    bench.until("two full resyncs", lambda: bench.operator.log.count(wanted) >= 2)
    assert _by_operator(bench)[before:] == []
    assert bench.operator.memory < MEMORY


def _by_operator(bench) -> list:
    return [w for w in bench.audited() if w.user.startswith(f"system:serviceaccount:{bench.namespace}:")]


@pytest.mark.row(28, "500 objects at once: all Ready, none waits forever")
@pytest.mark.long
def test_many_objects_at_once(make_bench):
    bench = make_bench(ALL_DONE)
    bench.operator.start()
    body = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "spec": SPEC}

    def create(api, number: int) -> None:
        api.request("POST", bench.path(GROUP, "inferenceimages"), body | {"metadata": {"name": f"{NAME}-{number}"}})

    many(bench, create, AT_ONCE)
    began = time.monotonic()
    ready: dict[str, float] = {}

    def all_ready() -> bool:
        for image in bench.api.get(bench.path(GROUP, "inferenceimages"))["items"]:
            if conditions(image).get("Ready") == ("True", "Published"):
                ready.setdefault(image["metadata"]["name"], time.monotonic() - began)
        return len(ready) == AT_ONCE

    bench.until_within("all are Ready", all_ready, 900)
    assert len(created(bench.audited())) == len(Stage) * AT_ONCE
    assert bench.operator.starts == 1
    assert bench.operator.memory < MEMORY
