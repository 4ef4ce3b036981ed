"""A simulated cluster for the pure functions: it keeps status and Jobs, and the test plays the Job controller."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from inference_image_contract import results
from inference_image_contract.inputs import Graph, InputLockRef, PinnedObject
from inference_image_operator.api import Condition, Spec, Status, read
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from inference_image_operator.config.installation import (
    Config,
    Images,
    Registries,
    Scheduling,
    UFileConfig,
    UFileEndpoint,
)
from inference_image_operator.core.decide import decide, is_settled, needs_pods, watched
from inference_image_operator.core.decision import CreateJob, Decision, DeleteJob, Emit
from inference_image_operator.jobs import POLL
from inference_image_operator.jobs.job import ANNOTATION_ATTEMPT, ANNOTATION_CONTENT, LABEL_STAGE
from inference_image_operator.observed import Container, Event, Job, Observed, Pod
from tests.support.memory import check_memory

START = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)
DIGEST = "sha256:" + "d" * 64
CONFIG = Config(
    images=Images(export="r/export@sha256:1", build="r/build@sha256:2", kaniko="r/kaniko@sha256:3"),
    registries=Registries(allowed=("uhub.devcluster.test",)),
    scheduling=Scheduling(allowed_queues=("detectors",)),
    ufile=UFileConfig(allowed_endpoints=(UFileEndpoint(scheme="http", suffix=".ufile.devcluster.test"),)),
)
SPEC = {
    "ufile": {
        "bucket": "uai-demo",
        "endpoint": {"scheme": "http", "suffix": ".ufile.devcluster.test"},
        "secretRef": {"name": "ufile"},
    },
    "model": {
        "prefix": "uai/object-train-output/",
        "checkpoint": {"step": 800},
        "labelMap": "uai/object-prep-output/label_map.pbtxt",
    },
    "source": {"ufile": {"prefix": "uai/object-detect/"}, "dockerfile": "object-detect-cpu.Dockerfile"},
    "image": {
        "repository": "uhub.devcluster.test/demo/object-detect-infer",
        "tags": ["test"],
        "pushSecretRef": {"name": "uhub"},
        "caSecretRef": {"name": "uhub-ca"},
    },
}
GRAPH = Graph(key="uai/object-export-output/f/frozen_inference_graph.pb", sha256="a" * 64, size=1000, tensorflow="2")
RESULTS: dict[Stage, results.Result] = {
    Stage.RESOLVE: results.Resolved(
        fingerprint="sha256:" + "f" * 64,
        inputs_hash="sha256:" + "c" * 64,
        input_lock=InputLockRef(key="uai/object-export-output/resolved/c.json", sha256="b" * 64),
        step=800,
        files=(PinnedObject(key="uai/object-train-output/model.ckpt-800.index", size=10, etag="e"),),
        file_count=3,
        num_classes=3,
        context_bytes=1 << 20,
        base_bytes=300 << 20,
    ),
    Stage.EXPORT: results.Exported(graph=GRAPH),
    Stage.BUILD: results.Built(digest=DIGEST, size=5000),
    Stage.TEST: results.Probed(ready_seconds=1.5, answer_seconds=0.25, memory_bytes=300 << 20),
    Stage.PUBLISH: results.Published(digest=DIGEST, size=5000, tags=(results.MovedTag(tag="test"),)),
}


def report(name: str, text: str | bytes, code: int = 0, ended: str = "Completed") -> Container:
    return Container(name=name, exit_code=code, ended=ended, report=text if isinstance(text, str) else text.decode())


@dataclass
class World:
    """One object and its Jobs. `step` is one reconcile; the other methods are events from outside."""

    spec: dict = field(default_factory=lambda: msgspec.json.decode(msgspec.json.encode(SPEC)))
    status: Status = field(default_factory=Status)
    generation: int = 1
    request: str = ""
    uid: str = "0f8fad5b-d9cb-469f-a165-70867728950e"
    now: datetime = START
    config: Config = CONFIG
    jobs: dict[str, Job] = field(default_factory=dict)
    pods: dict[str, tuple[Pod, ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    queue_position: int | None = None
    early_check: bool = False
    emitted: list[Emit] = field(default_factory=list)
    created: list[dict] = field(default_factory=list)
    writes: int = 0
    _uids: int = 0

    def observed(self) -> Observed:
        bare = Observed(
            name="detector",
            namespace="object-detect",
            uid=self.uid,
            generation=self.generation,
            spec=read(Spec, self.spec),
            status=self.status,
            request=self.request,
            jobs=tuple(self.jobs.values()),
            queue_position=self.queue_position,
            early_check=self.early_check,
        )
        if not needs_pods(bare, self.now):
            return bare
        return msgspec.structs.replace(bare, pods=self.pods.get(watched(bare).name, ()), events=self.events)

    def step(self) -> Decision:
        """One reconcile: decide, write, act."""
        decision = decide(self.observed(), self.config, self.now)
        check_memory(self.observed(), self.config, self.now)
        self.writes += decision.status != self.status
        self.status = decision.status
        for action in decision.actions:
            match action:
                case CreateJob(manifest=manifest):
                    self.create(manifest)
                case DeleteJob(name=name, uid=uid):
                    assert self.jobs[name].uid == uid
                    self.jobs[name] = msgspec.structs.replace(self.jobs[name], terminating=True)
                case Emit() as emit:
                    self.emitted.append(emit)
        return decision

    def settle(self, limit: int = 20) -> None:
        """Reconciles until nothing changes."""
        for _ in range(limit):
            before = (self.status, dict(self.jobs))
            self.step()
            if before == (self.status, dict(self.jobs)):
                return
        raise AssertionError(f"still changing after {limit} reconciles: {self.status}")

    def create(self, manifest: dict) -> None:
        meta = manifest["metadata"]
        if meta["name"] in self.jobs:
            return  # AlreadyExists: ours
        live = [job.name for job in self.jobs.values() if not job.over]
        assert not live, f"{meta['name']} is created while {live} may run"
        self._uids += 1
        self.created.append(manifest)
        self.jobs[meta["name"]] = Job(
            name=meta["name"],
            uid=f"job-{self._uids}",
            stage=meta["labels"][LABEL_STAGE],
            content=meta["annotations"][ANNOTATION_CONTENT],
            attempt=int(meta["annotations"][ANNOTATION_ATTEMPT]),
            started=self.now,
        )

    @property
    def claimed(self) -> Job:
        assert self.status.stage is not None, self.status
        return self.jobs[self.status.stage.job]

    @property
    def poll_job(self) -> Job | None:
        return next((job for job in self.jobs.values() if job.stage == POLL), None)

    def set_poll_pod(self, *containers: Container) -> None:
        self.pods[self.poll_job.name] = (
            Pod(name="pod", uid="pod-uid", phase="Pending", created=self.now, containers=containers),
        )

    def end_poll(self, container: Container, reason: str = "", after: float = 10, **pod: object) -> None:
        """Ends the poll's Job, successfully unless a reason is given."""
        job = self.poll_job
        self.now += timedelta(seconds=after)
        found = Pod(name="pod", uid="pod-uid", phase="Ended", created=self.now, containers=(container,), **pod)
        self.pods[job.name] = (found,)
        self.jobs[job.name] = msgspec.structs.replace(job, complete=not reason, failed=reason, ended=self.now)

    def set_pod(self, *containers: Container, phase: str = "Running", **more: object) -> None:
        self.pods[self.claimed.name] = (
            Pod(name="pod", uid="pod-uid", phase=phase, created=self.now, containers=containers, **more),
        )

    def finish(self, result: results.Result | None = None) -> None:
        """Completes the claimed Job, with the stage's usual result or with `result`."""
        job = self.claimed
        self.end_pod(result)
        self.jobs[job.name] = msgspec.structs.replace(job, complete=True, ended=self.now)

    def end_pod(self, result: results.Result | None = None) -> None:
        """The claimed Job's pod succeeds, and a watch tells so. The Job does not say so yet."""
        job = self.claimed
        stage = Stage(job.stage)
        self.now += timedelta(seconds=10)
        said = report(MAIN[stage], results.encode(result or RESULTS[stage]))
        self.set_pod(msgspec.structs.replace(said, ended_at=self.now), phase="Succeeded")
        self.jobs[job.name] = msgspec.structs.replace(job, pod_done=True)

    def fail(self, *containers: Container, reason: str = "BackoffLimitExceeded", **pod: object) -> None:
        """Fails the claimed Job."""
        job = self.claimed
        self.now += timedelta(seconds=10)
        self.set_pod(*containers, phase="Failed", **pod)
        self.jobs[job.name] = msgspec.structs.replace(job, failed=reason, ended=self.now)

    def remove_terminating(self) -> None:
        """Plays the garbage collector: removes the terminating Jobs."""
        self.jobs = {name: job for name, job in self.jobs.items() if not job.terminating}

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def run_to(self, stage: Stage) -> None:
        """Completes stages until the Job of this stage runs."""
        self.settle()
        while self.status.stage and self.status.stage.name != stage:
            self.finish()
            self.settle()

    def run_whole(self) -> None:
        self.settle()
        while self.status.stage:
            self.finish()
            self.settle()

    def condition(self, kind: str) -> Condition | None:
        return next((c for c in self.status.conditions if c.type == kind), None)

    def summary(self) -> dict[str, tuple[str, str]]:
        return {c.type: (c.status, c.reason) for c in self.status.conditions}

    @property
    def settled(self) -> bool:
        return is_settled(self.observed())
