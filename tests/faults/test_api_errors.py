"""Rows 11, 12 and 14: errors of the API server, rate limits, and missing rights."""

import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from inference_image_operator.api.stages import Stage
from tests.faults.conftest import FULL
from tests.faults.harness import pods
from tests.faults.harness.injected import Answer
from tests.faults.harness.request import Match
from tests.faults.harness.subject import Bench
from tests.faults.harness.together import together
from tests.faults.image.install import RIGHTS
from tests.faults.image.objects import ALL_DONE, NAME, apply, created, done, published, until, until_job

REQUESTS = {
    "get image": Match("get", "inferenceimages"),
    "list images": Match("list", "inferenceimages"),
    "watch images": Match("watch", "inferenceimages"),
    "patch status": Match("patch", "inferenceimages/status"),
    "list jobs": Match("list", "jobs"),
    "watch jobs": Match("watch", "jobs"),
    "create jobs": Match("create", "jobs"),
    "delete jobs": Match("delete", "jobs"),
    "list pods": Match("list", "pods"),
    "list events": Match("list", "events"),
    "create events": Match("create", "events"),
    "discovery": Match("get", ""),
}
CODES = (500, 503, 504)
SECONDS = 60 if FULL else 20
HEALED = 180
"""Seconds after the fault in which the operator must recover."""


def busy(bench: Bench) -> None:
    """A scenario with every kind of request: a pod that does not start, an edit that stops it, and success."""
    bench.operator.start()
    apply(bench)
    until_job(bench, Stage.RESOLVE)
    bench.until("it asks why nothing starts", lambda: any(map(REQUESTS["list events"], [*bench.proxy.requests])))
    bench.outcomes(ALL_DONE)
    apply(bench, step=900)
    published(bench, generation=2)


def failing_for_a_while(make_bench, which: Match, code: int):
    bench = make_bench(ALL_DONE | pods.pend(Stage.RESOLVE), resync="5s")

    def case() -> None:
        began: list[float] = []

        def chosen(request) -> bool:
            if not which(request) or (began and time.monotonic() - began[0] > SECONDS):
                return False
            began.append(time.monotonic())
            return True

        fault = bench.proxy.add(Answer(chosen, code))
        busy(bench)
        assert fault.hits, "the fault never occurred"
        assert time.monotonic() - began[0] < SECONDS + HEALED
        assert created(bench.audited()) == [Stage.RESOLVE, *Stage]
        assert bench.operator.starts == 1
        asked = [hit.came for hit in fault.hits]
        assert max((b - a for a, b in pairwise(asked)), default=0) < 35, "back-off is capped"

    return case


@pytest.mark.row(12, "500, 503, 504 for 60 s (20 s and one code each unless FULL=1) on each verb and resource")
@pytest.mark.long
def test_the_operator_recovers_from_server_errors(make_bench):
    together({
        f"{code} on {name}": failing_for_a_while(make_bench, which, code)
        for place, (name, which) in enumerate(REQUESTS.items())
        for code in (CODES if FULL else [CODES[place % 3]])
    })  # fmt: skip


def told_to_wait(make_bench, which: Match):
    bench = make_bench(ALL_DONE)

    def case() -> None:
        fault = bench.proxy.add(Answer(which, 429, times=1, retry_after=20))
        bench.operator.start()
        apply(bench)
        published(bench)
        (hit,) = fault.hits
        by_kopf = which.verb == "watch" or which == REQUESTS["list images"]

        def next_ones() -> list[float]:
            rest = [request for request in [*bench.proxy.requests] if request.came > hit.came]
            ours = [r for r in rest if (which(r) if by_kopf else r.verb in ("get", "patch", "create"))]
            return [request.came for request in ours]

        assert min(bench.until("it asks again", next_ones)) - hit.came >= 19.9, bench.proxy.log()
        assert created(bench.audited()) == list(Stage)

    return case


@pytest.mark.long
@pytest.mark.row(11, "429 with Retry-After 20: no request earlier")
def test_no_request_comes_before_retry_after(make_bench):
    names = ("get image", "patch status", "create jobs", "list images", "watch images", "watch jobs")
    together({name: told_to_wait(make_bench, REQUESTS[name]) for name in names})


def revoke(bench: Bench, resource: str, verb: str) -> Callable[[], object]:
    """Takes a right from the operator. The result gives it back."""
    role = RIGHTS["Role"].format(bench.namespace)
    (found,) = bench.api.get(role)["items"]
    rules = [
        rule | {"verbs": [v for v in rule["verbs"] if v != verb]} if resource in rule["resources"] else rule
        for rule in found["rules"]
    ]
    bench.api.merge(role + found["metadata"]["name"], {"rules": [rule for rule in rules if rule["verbs"]]})
    return lambda: bench.api.merge(role + found["metadata"]["name"], {"rules": found["rules"]})


def revoked(make_bench, resource: str, verb: str):
    """A case: the right is revoked during a run and granted again."""
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT), resync="5s")

    def case() -> None:
        bench.operator.start()
        apply(bench)
        until_job(bench, Stage.EXPORT)
        give_back = revoke(bench, resource, verb)
        bench.outcomes(done(Stage.EXPORT))
        apply(bench, step=900)
        if (resource, verb) in SAID:
            until(bench, "Ready", "False", "Forbidden")
        else:
            bench.until("it is refused", lambda: any(r.status == 403 for r in [*bench.proxy.requests]))
        give_back()
        published(bench, generation=2)
        assert bench.operator.starts == 1
        assert created(bench.audited()) == [Stage.RESOLVE, Stage.EXPORT, *Stage]

    return case


RIGHTS_TAKEN = [
    ("jobs", "create"),
    ("jobs", "list"),
    ("jobs", "delete"),
    ("inferenceimages", "get"),
    ("inferenceimages/status", "patch"),
]
SAID = [("jobs", "create"), ("jobs", "list"), ("jobs", "delete")]
"""Rights whose loss the status can still report. Without the others, the object is unreadable or unwritable."""


@pytest.mark.row(14, "one verb revoked: reason Forbidden, no crash loop")
def test_a_revoked_right_is_named(make_bench):
    together({f"{verb} {resource}": revoked(make_bench, resource, verb) for resource, verb in RIGHTS_TAKEN})


@pytest.mark.row(14, "one verb revoked: reason Forbidden, no crash loop")
def test_the_right_to_list_pods_is_missed_when_a_pod_does_not_start(make_bench):
    """What a pod that succeeds has to say comes through the watch."""
    bench = make_bench(ALL_DONE | pods.pend(Stage.RESOLVE), resync="5s")
    bench.operator.start()
    give_back = revoke(bench, "pods", "list")
    apply(bench)
    until(bench, "Ready", "False", "Forbidden")
    give_back()
    bench.outcomes(ALL_DONE)
    apply(bench, step=900)
    published(bench, generation=2)
    assert bench.operator.starts == 1


@pytest.mark.row(14, "a token that is no longer accepted")
def test_the_operator_recovers_from_a_rejected_token(make_bench):
    bench = make_bench(ALL_DONE | pods.hold(Stage.EXPORT), resync="5s")
    bench.operator.start()
    apply(bench)
    until_job(bench, Stage.EXPORT)
    fault = bench.proxy.add(Answer(lambda _: True, 401, seconds=5))
    bench.outcomes(done(Stage.EXPORT))
    apply(bench, step=900)
    published(bench, generation=2)
    assert fault.hits
    assert bench.operator.starts == 1
    assert NAME in bench.proxy.log()
