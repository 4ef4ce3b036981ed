"""Row 3: two operators at once, as in an overlapping rollout or after the return of a node."""

import time
from collections import Counter

import pytest

from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.faults.conftest import FULL
from tests.faults.harness import pods
from tests.faults.harness.audit import Write
from tests.faults.harness.subject import operator, proxy_of
from tests.faults.image.objects import ALL_DONE, apply, created, failing, published, until, until_job
from tests.faults.image.subject import SUBJECT
from tests.loop.api import wait_for

MINUTES = 5 if FULL else 1


@pytest.mark.row(3, "two operators for 5 min (1 min unless FULL=1): no duplicate Job, at most 2 status writes a minute")
@pytest.mark.long
def test_two_operators_are_harmless(make_bench, ground):
    bench = make_bench(resync="5s")
    proxy = proxy_of(ground)
    second = operator(ground, SUBJECT, bench.namespace, proxy, resync="5s")
    second.start()
    bench.operator.start()
    try:
        apply(bench, "success")
        published(bench, "success")
        bench.outcomes(pods.hold(Stage.EXPORT))
        apply(bench, "edited")
        until_job(bench, Stage.EXPORT, "edited")
        bench.outcomes(ALL_DONE)
        apply(bench, "edited", step=900)
        published(bench, "edited", generation=2)
        bench.outcomes(failing(Stage.EXPORT, ExitCode.UNAVAILABLE, "UFileUnavailable"))
        apply(bench, "retried")
        until(bench, "Stalled", "True", "UFileUnavailable", "retried")
        bench.outcomes(ALL_DONE | pods.hold(Stage.EXPORT))
        apply(bench, "held")
        until_job(bench, Stage.EXPORT, "held")
        bench.outcomes(pods.pend(Stage.RESOLVE))
        apply(bench, "pending")
        until_job(bench, Stage.RESOLVE, "pending")
        before = _status_writes(bench)
        over = time.monotonic() + 60 * MINUTES
        wait_for("the time is over", lambda: time.monotonic() > over, seconds=60 * MINUTES + 10)
        after = _status_writes(bench)
    finally:
        second.stop()
        proxy.stop()
    assert {name: after[name] - before.get(name, 0) for name in after if after[name] - before.get(name, 0) > 2} == {}
    writes = bench.audited()
    stages = Counter(created(writes))
    assert stages == {"Resolve": 6, "Export": 1 + 2 + 3 + 1, "Build": 2, "Test": 2, "Publish": 2}, "\n".join(
        map(_told, writes)
    )
    assert (bench.operator.starts, second.starts) == (1, 1)


def _status_writes(bench) -> dict[str, int]:
    found: dict[str, int] = {}
    for write in bench.audited():
        if (write.resource, write.subresource) == ("inferenceimages", "status") and write.done:
            found[write.name] = found.get(write.name, 0) + 1
    return found


def _told(write: Write) -> str:
    doing = write.sent.get("status", {}).get("stage") or write.sent.get("metadata", {}).get("annotations", {})
    return f"{write.time} {write.code} {write.verb} {write.resource}/{write.subresource} {write.name} {doing}"
