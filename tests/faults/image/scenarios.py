"""Six scenarios of a user with one InferenceImage."""

from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from tests.faults.harness import pods
from tests.faults.harness.subject import Bench, Scenario
from tests.faults.image.objects import (
    ALL_DONE,
    NEWER,
    SERVER,
    apply,
    done,
    ended,
    failing,
    get,
    jobs,
    path,
    published,
    published_as,
    serve,
    server,
    stage_of,
    until,
    until_job,
)
from tests.loop.api import Object
from tests.support.world import DIGEST


def _success(bench: Bench) -> None:
    apply(bench)
    published(bench)


def _failure(bench: Bench) -> None:
    apply(bench)
    until(bench, "Stalled", "True", "GraphInvalid")


def _retry(bench: Bench) -> None:
    apply(bench)
    bench.until("a first attempt has failed", lambda: [j for j in jobs(bench) if ended(j) == "Failed"])
    bench.outcomes(done(Stage.EXPORT))
    published(bench)


def _edit(bench: Bench) -> None:
    apply(bench)
    bench.until("an export runs", lambda: [j for j in jobs(bench) if stage_of(j) == Stage.EXPORT and _has_pod(j)])
    bench.outcomes(ALL_DONE)
    apply(bench, step=900)
    published(bench, generation=2)


def _has_pod(job: Object) -> bool:
    """Whether the Job has a pod. From then on, its outcome is fixed."""
    return bool(job.get("status", {}).get("active"))


def _delete(bench: Bench) -> None:
    apply(bench)
    until_job(bench, Stage.EXPORT, recorded=True)
    bench.api.request("DELETE", path(bench.namespace))
    bench.until("the object is gone", lambda: get(bench) is None)
    bench.until("its Jobs are gone", lambda: not jobs(bench))
    bench.until("their pods are gone", lambda: not bench.api.get(bench.path("/api/v1", "pods"))["items"])


def _rollout(bench: Bench) -> None:
    """The first image is available, the second is not: its pods stay Pending."""
    wanted = {
        "rollout": {"deployment": {"name": SERVER, "container": "main"}, "timeout": "3s"},
        "test": {"enabled": False},
    }
    serve(bench, DIGEST)
    bench.until("the Deployment is available", lambda: server(bench)["status"].get("availableReplicas"))
    apply(bench, **wanted)
    until(bench, "RolledOut", "True", "RolledOut")
    serve(bench)
    bench.outcomes(pods.pend("pod") | published_as(NEWER))
    apply(bench, step=900, **wanted)
    published(bench, generation=2)
    until(bench, "RolledOut", "False", "RolledBack")


SCENARIOS = {
    "success": Scenario(_success, ALL_DONE),
    "failure": Scenario(_failure, ALL_DONE | failing(Stage.EXPORT, ExitCode.BAD_INPUT, "GraphInvalid")),
    "retry": Scenario(_retry, ALL_DONE | failing(Stage.EXPORT, ExitCode.UNAVAILABLE, "UFileUnavailable")),
    "edit": Scenario(_edit, ALL_DONE | pods.hold(Stage.EXPORT)),
    "delete": Scenario(_delete, ALL_DONE | pods.hold(Stage.EXPORT)),
    "rollout": Scenario(_rollout, published_as(DIGEST) | pods.hold("pod")),
}
