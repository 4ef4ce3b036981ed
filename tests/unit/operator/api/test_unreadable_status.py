"""A status that does not fit the API: another client or a later version wrote it. The loop goes on."""

from typing import Any

import msgspec
import pytest

from inference_image_operator import api
from inference_image_operator.api.stages import Stage
from inference_image_operator.kube.observe import from_object
from tests.support.world import SPEC, START, World

TIME = "2026-01-31T09:30:00Z"
BAD_TIME = "2026-01-31T09:30:00+99:99"
"""The API server accepts it; see tests/crd."""
READY = {"type": "Ready", "status": "True", "reason": "Published", "message": "m", "lastTransitionTime": TIME}
ENTRY = {"digest": "sha256:d", "contentHash": "sha256:c", "time": TIME}
WHOLE: dict[str, Any] = {
    "observedGeneration": 1,
    "conditions": [READY],
    "run": {"inputHash": "sha256:0", "generation": 1, "failureTime": TIME},
    "stage": {"name": "Build", "job": "j", "attempt": 1, "content": "c", "startTime": TIME, "retryAt": TIME},
    "lastFailure": {"stage": "Build", "reason": "R", "message": "m", "time": TIME},
    "lastPollTime": TIME,
    "history": [ENTRY, ENTRY],
}


def with_value(path: str, value: object) -> dict[str, Any]:
    """`WHOLE` with another value at a path such as `history.1.time`."""
    document = msgspec.json.decode(msgspec.json.encode(WHOLE))
    *parents, last = (int(name) if name.isdigit() else name for name in path.split("."))
    target: Any = document
    for name in parents:
        target = target[name]
    target[last] = value
    return document


def without(*path: str | int) -> dict[str, Any]:
    """`WHOLE` without what is at this path."""
    document = msgspec.json.decode(msgspec.json.encode(WHOLE))
    target: Any = document
    for name in path[:-1]:
        target = target[name]
    del target[path[-1]]
    return document


@pytest.mark.parametrize(
    ("path", "value", "same_as"),
    [
        ("stage.retryAt", BAD_TIME, without("stage", "retryAt")),
        ("run.failureTime", "soon", without("run", "failureTime")),
        ("stage.verdict", {"kind": "quarantine", "reason": "R", "message": "m"}, WHOLE),
        ("stage.verdict", {"kind": "counted"}, WHOLE),
        ("lastPollTime", "", without("lastPollTime")),
        ("lastPollTime", "2026-01-31T09:30:00", without("lastPollTime")),
        ("lastFailure.time", BAD_TIME, without("lastFailure")),
        ("lastFailure.stage", "Scan", without("lastFailure")),
        ("history.1.time", BAD_TIME, without("history", 1)),
        ("conditions.0.status", "Maybe", without("conditions", 0)),
        ("conditions", 5, without("conditions")),
        ("run.generation", "1", without("run")),
    ],
)
def test_a_value_that_does_not_fit_is_left_out(path, value, same_as):
    found, problems = api.read_status(with_value(path, value))
    assert found == api.read(api.Status, same_as)
    assert problems[0].startswith("." + path.split(".", 1)[0])


@pytest.mark.parametrize(("path", "value"), [("stage.name", "Scan"), ("stage.startTime", BAD_TIME), ("stage", "Build")])
def test_without_a_readable_claim_the_run_begins_again(path, value):
    found, problems = api.read_status(with_value(path, value))
    assert (found.run, found.stage) == (None, None)
    assert (len(found.history), found.conditions[0].reason, found.last_poll_time) == (2, "Published", START)
    assert problems


def test_a_status_that_fits_is_read_whole():
    assert api.read_status(WHOLE) == (api.read(api.Status, WHOLE), ())
    assert api.read_status({}) == (api.Status(), ())


def read_again(world: World, change: Any) -> tuple[str, ...]:
    """The status after a change in its JSON form."""
    document = msgspec.json.decode(msgspec.json.encode(api.write(world.status)))
    change(document)
    meta = {"name": "n", "namespace": "s", "uid": world.uid}
    observed = from_object({"metadata": meta, "spec": SPEC, "status": document})
    world.status = observed.status
    return observed.unreadable


def test_a_stage_of_another_version_is_stopped_and_the_run_ends_ready():
    world = World()
    world.run_whole()
    published = world.status.image
    world.request = "again"
    world.run_to(Stage.BUILD)
    scan = world.claimed

    def renamed(document):
        document["stage"] |= {"name": "Scan", "job": "scan"}

    assert read_again(world, renamed) == (
        ".stage.name: Invalid enum value 'Scan'",
        ".stage: Object missing required field `name`",
    )
    world.jobs = {name: job for name, job in world.jobs.items() if job.name == scan.name}
    world.step()
    assert world.status.stage.name is Stage.RESOLVE
    assert world.jobs[scan.name].terminating
    assert world.status.image == published
    world.remove_terminating()
    world.run_whole()
    assert world.summary()["Ready"] == ("True", "Published")


def test_an_unreadable_transition_time_becomes_that_of_the_next_write():
    world = World()
    world.run_to(Stage.BUILD)
    world.advance(hours=1)

    def spoiled(document):
        for condition in document["conditions"]:
            condition["lastTransitionTime"] = BAD_TIME

    assert len(read_again(world, spoiled)) == len(world.status.conditions)
    before = world.summary()
    world.step()
    assert world.summary() == before
    assert {condition.last_transition_time for condition in world.status.conditions} == {world.now}
    assert world.writes


def test_a_time_with_an_offset_or_a_fraction_is_the_same_moment():
    for text in ("2026-01-31T17:30:00+08:00", "2026-01-31T09:30:00.000Z", "2026-01-31t09:30:00z"):
        found, problems = api.read_status(with_value("lastPollTime", text))
        assert (found.last_poll_time, problems) == (START, ())
