"""A reconcile whose two reads, of the object and of its Jobs, see different states."""

from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from inference_image_operator.api import write
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Concurrency
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.kube.connection import ApiError
from inference_image_operator.runtime.job_signals import JobSignals
from inference_image_operator.runtime.last_written import LastWritten
from inference_image_operator.runtime.metrics import Metrics
from inference_image_operator.runtime.pipeline_limiter import PipelineLimiter
from inference_image_operator.runtime.reconcile import Reconciler
from inference_image_operator.runtime.tag_holders import TagHolders
from tests.support.world import SPEC, World

KEY = ("space", "detector")


class TwoReads:
    """A cluster that runs `between` after the read of the object and before the read of its Jobs."""

    def __init__(self, world: World, between: Callable[["TwoReads"], None]) -> None:
        self._world, self._between = world, between
        self._version = 1
        self.deleted: list[str] = []
        self.jobs_there = 0

    def moves_on(self) -> None:
        """Another operator wrote the status."""
        self._version += 1

    async def get_inference_image(self, namespace: str, name: str) -> dict:
        meta = {"namespace": namespace, "name": name, "uid": self._world.observed().uid, "generation": 1}
        meta |= {"resourceVersion": str(self._version), "creationTimestamp": "2026-01-01T00:00:00Z"}
        return {"metadata": meta, "spec": SPEC, "status": write(self._world.status)}

    async def list_jobs(self, *_: str) -> list[dict]:
        self._between(self)
        self.jobs_there = len(self._world.created)
        return [
            msgspec.to_builtins(job) | {"metadata": job["metadata"] | {"uid": str(number)}}
            for number, job in enumerate(self._world.created)
        ]

    async def list_pods(self, *_: str) -> list[dict]:
        return []

    async def list_warnings(self, *_: str) -> list[dict]:
        return []

    async def delete_job(self, _: str, name: str, __: str) -> None:
        self.deleted.append(name)


def reconciler_of(cluster: TwoReads, world: World, signals: JobSignals | None = None) -> Reconciler:
    return Reconciler(
        cluster,
        world.config,
        lambda: datetime.now(UTC),
        PipelineLimiter(Concurrency()),
        wake=lambda _: None,
        signals=signals or JobSignals(lambda *_: None),
        tags=TagHolders(lambda _: None),
        written=LastWritten(),
        metrics=Metrics(),
    )


async def passed(between: Callable[[TwoReads], None], world: World) -> tuple[TwoReads, float | None]:
    cluster = TwoReads(world, between)
    return cluster, await reconciler_of(cluster, world)(KEY)


@pytest.fixture
def world() -> World:
    """The export is claimed, but the Job of the previous stage still exists and seems unfinished."""
    world = World()
    world.run_to(Stage.EXPORT)
    return world


async def test_a_job_without_a_claim_is_deleted(world):
    cluster, _ = await passed(lambda _: None, world)
    assert cluster.deleted == [world.created[0]["metadata"]["name"]]


async def test_a_job_claimed_after_the_object_was_read_is_left_alone(world):
    cluster, again = await passed(TwoReads.moves_on, world)
    assert cluster.jobs_there == 2
    assert cluster.deleted == []
    assert again == 0


async def test_a_stage_of_another_version_is_logged_and_its_job_deleted(world, caplog):
    class Renamed(TwoReads):
        async def get_inference_image(self, namespace: str, name: str) -> dict:
            image = await super().get_inference_image(namespace, name)
            image["status"]["stage"] |= {"name": "Scan", "job": "scan"}
            return image

        async def apply_status(self, _: dict, status: dict) -> dict:
            self.written = status
            return {}

    cluster = Renamed(world, lambda _: None)
    await reconciler_of(cluster, world)(KEY)
    assert "ignoring what of the status does not fit the API: .stage.name: Invalid enum value 'Scan'" in caplog.text
    assert cluster.written["stage"]["name"] == "Resolve"
    assert cluster.written["stage"]["job"] == world.created[0]["metadata"]["name"]
    assert cluster.deleted == [world.created[1]["metadata"]["name"]]


class Unreadable(TwoReads):
    """A cluster with one object whose spec is of another version of the API."""

    def __init__(self) -> None:
        super().__init__(World(), lambda _: None)
        self.written: list[dict] = []

    async def get_inference_image(self, namespace: str, name: str) -> dict:
        found = await super().get_inference_image(namespace, name)
        return found | {"spec": {"ufile": "newer"}, "status": self.written[-1] if self.written else {}}

    async def apply_status(self, _: dict, status: dict) -> dict:
        self.written.append(status)
        return {}


async def test_an_object_that_cannot_be_read_is_stalled_with_the_place_and_written_once():
    cluster = Unreadable()
    reconciler = reconciler_of(cluster, World())
    for _ in range(2):
        assert await reconciler(KEY) is None
    (status,) = cluster.written
    told = {c["type"]: (c["status"], c["reason"], c["message"]) for c in status["conditions"]}
    text = (
        "The spec does not fit this version of the operator: Expected `object`, got `str` - at `$.ufile`. Apply the "
        "CRD of the operator's version, then apply the object again."
    )
    assert told == {"Ready": ("False", "ObjectInvalid", text), "Stalled": ("True", "ObjectInvalid", text)}
    assert status["observedGeneration"] == 1


class Refusing(TwoReads):
    """A new CRD has a rule that the spec, from before, breaks: no write of the status passes."""

    def __init__(self, status: int) -> None:
        super().__init__(World(), lambda _: None)
        self._status = status
        self.events: list[dict] = []

    async def apply_status(self, *_: dict) -> dict:
        raise ApiError(self._status, "Invalid", "spec.test: must be another")

    async def create_event(self, event: dict) -> None:
        self.events.append(event)


@pytest.mark.parametrize(("status", "events"), [(422, ["ObjectInvalid"]), (409, []), (500, [])])
async def test_a_refused_status_is_told_in_an_event(status, events):
    cluster = Refusing(status)
    with pytest.raises(ApiError):
        await reconciler_of(cluster, World())(KEY)
    assert [event["reason"] for event in cluster.events] == events
    assert all("spec.test: must be another. Apply the CRD" in event["message"] for event in cluster.events)


class Polled(TwoReads):
    """A published object whose poll runs."""

    async def get_inference_image(self, namespace: str, name: str) -> dict:
        return await super().get_inference_image(namespace, name) | {"spec": self._world.spec}

    async def list_jobs(self, *_: str) -> list[dict]:
        job = msgspec.to_builtins(self._world.created[-1])
        return [job | {"metadata": job["metadata"] | {"uid": self._world.poll_job.uid}}]

    async def apply_status(self, *_: dict) -> dict:
        return {}


async def test_the_poll_of_an_object_at_rest_is_followed_until_it_ends():
    world, woken = World(), []
    world.spec["model"]["checkpoint"] = {"policy": "Latest", "poll": "10m"}
    world.run_whole()
    while not world.poll_job:
        world.advance(seconds=world.step().requeue_after)
    signals = JobSignals(lambda key, _: woken.append(key))
    await reconciler_of(Polled(world, lambda _: None), world, signals)(KEY)
    about = {"kind": "Pod", "name": f"{world.poll_job.name}-x7k2p", "namespace": KEY[0], "uid": "u"}
    signals.warned({"reason": "FailedMount", "involvedObject": about, "metadata": {"resourceVersion": "7"}})
    assert woken == [KEY]


class Written(TwoReads):
    """A cluster that accepts a status for the current version of the object only, and counts how often it is read."""

    def __init__(self) -> None:
        super().__init__(World(), lambda _: None)
        self.status: dict = {}
        self.reads = 0
        self.created: list[str] = []
        self.asked: list[str] = []
        self.refuses = False

    async def get_inference_image(self, namespace: str, name: str) -> dict:
        self.reads += 1
        return await super().get_inference_image(namespace, name) | {"status": self.status}

    async def apply_status(self, image: dict, status: dict) -> dict:
        if image["metadata"]["resourceVersion"] != str(self._version):
            raise ApiError(409, "Conflict", "the object has been modified")
        self.status, self._version = status, self._version + 1
        return await super().get_inference_image(*KEY) | {"status": status}

    async def create_job(self, manifest: dict) -> None:
        if self.refuses:
            raise ApiError(500, "", "no")
        self.created.append(manifest["metadata"]["name"])

    async def create_event(self, _: dict) -> None:
        pass

    async def list_jobs(self, _: str, __: str, name: str = "") -> list[dict]:
        self.asked.append(name)
        owner = {"uid": self._world.observed().uid, "controller": True}
        meta = {"labels": {"uai.ucloud.cn/stage": "Resolve"}, "ownerReferences": [owner], "uid": "job-1"}
        return [{"metadata": meta | {"name": found}} for found in self.created if name in ("", found)]


async def test_after_its_own_write_the_object_is_not_read_again_and_its_jobs_are_asked_for_by_name():
    cluster = Written()
    reconciler = reconciler_of(cluster, World())
    await reconciler(KEY)
    await reconciler(KEY)
    assert cluster.status["stage"]["jobUID"] == "job-1"
    assert cluster.reads == 1
    assert cluster.asked == ["", *cluster.created]


async def test_a_write_on_what_is_out_of_date_is_refused_and_the_object_is_read_and_its_jobs_are_listed():
    cluster = Written()
    reconciler = reconciler_of(cluster, World())
    await reconciler(KEY)
    cluster.moves_on()
    with pytest.raises(ApiError, match="modified"):
        await reconciler(KEY)
    await reconciler(KEY)
    assert cluster.status["stage"]["jobUID"] == "job-1"
    assert cluster.reads == 2
    assert cluster.asked == ["", *cluster.created, ""]


@pytest.mark.parametrize(("moved", "again"), [(False, POD_CHECK_DELAY), (True, 0)], ids=["unchanged", "changed"])
async def test_without_a_write_nothing_is_done_on_what_may_be_out_of_date(moved, again):
    cluster = Written()
    reconciler = reconciler_of(cluster, World())
    cluster.refuses = True
    with pytest.raises(ApiError):
        await reconciler(KEY)
    cluster.refuses = False
    if moved:
        cluster.moves_on()
    assert await reconciler(KEY) == again
    assert len(cluster.created) == (0 if moved else 1)
    assert cluster.reads == 2
