"""`logs`: the logs of a stage's containers, in the order in which they run."""

import sys
import time
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.logs.follow import Line, followed
from kubectl_inferenceimage.cluster.objects import ATTEMPT, JOB, STAGE, containers, label
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.errors import CommandError

_POLL = 1.0
"""Seconds between two reads of the pod that is followed."""
_GONE = "The pod is gone. The last lines of its log, as the status has them:"


class Options(NamedTuple):
    """Which logs, and how."""

    stage: str = ""
    """Empty for the stage at work, or else the one that failed last."""
    attempt: int = 0
    """0 for the newest."""
    tail: int = 200
    """Lines of each container, from the end; below 0 for all."""
    follow: bool = False


def logs(cluster: Cluster, name: str, options: Options, poll: float = _POLL) -> None:
    """Prints the logs of a pod of a stage, or what the status keeps of a failed one that is gone.

    Raises CommandError, also when neither is there.
    """
    image = cluster.image(name)
    stage = _stage(options.stage) if options.stage else current(image.get("status", {}))
    pod = _pod(cluster, image, stage, options.attempt)
    while pod is None and options.follow and not options.attempt and _works(image, stage):
        time.sleep(poll)
        image = cluster.image(name)
        pod = _pod(cluster, image, stage, 0)
    if pod is None:
        _print_kept(cluster, image, stage, options.attempt)
        return
    names = in_order(stage, pod)
    prefix = f"[{stage}/{{}}] " if len(names) > 1 else ""
    if options.follow:
        again = partial(_same, cluster, image["metadata"]["uid"], pod["metadata"]["uid"])
        lines = followed(cluster, again, names, options.tail, poll)
    else:
        lines = _lines(cluster, pod["metadata"]["name"], names, options.tail)
    for line in lines:
        print(printable(prefix.format(line.container) + line.text), flush=options.follow)


def _stage(name: str) -> Stage:
    found = next((stage for stage in Stage if stage.lower() == name.lower()), None)
    if found is None:
        raise CommandError(f"There is no stage {name}. The stages are {', '.join(Stage)}.")
    return found


def current(status: Object) -> Stage:
    """The stage at work, or else the one that failed last, or else the last one."""
    claimed = status.get("stage", {}).get("name")
    failed = status.get("lastFailure", {}).get("stage")
    return Stage(claimed or failed or [*Stage][-1])


def _works(image: Object, stage: Stage) -> bool:
    claimed: Object = image.get("status", {}).get("stage", {})
    return claimed.get("name") == stage and not claimed.get("suspended")


def in_order(stage: Stage, pod: Object) -> list[str]:
    """The containers of a pod of a stage in the order in which they run; those that others added come last."""
    there = [found["name"] for found in containers(pod)]
    own = [name for name in CONTAINERS[stage] if name in there]
    return [*own, *(name for name in there if name not in own)]


def _pod(cluster: Cluster, image: Object, stage: Stage, attempt: int) -> Object | None:
    """The newest pod of the stage, or of one attempt of it; None without one."""
    uid = image["metadata"]["uid"]
    pods = [pod for pod in cluster.pods(uid) if label(pod, STAGE) == stage]
    if attempt:
        jobs = _of_attempt(cluster, uid, stage, attempt)
        pods = [pod for pod in pods if label(pod, JOB) in jobs]
    return pods[-1] if pods else None


def _of_attempt(cluster: Cluster, uid: str, stage: Stage, attempt: int) -> set[str]:
    """The names of the Jobs of this attempt, in all runs."""
    of_stage = [job["metadata"] for job in cluster.jobs(uid) if label(job, STAGE) == stage]
    return {meta["name"] for meta in of_stage if meta.get("annotations", {}).get(ATTEMPT) == str(attempt)}


def _print_kept(cluster: Cluster, image: Object, stage: Stage, attempt: int) -> None:
    """Prints the end of the log that the last failure has, if it is the one that is asked for. Raises CommandError."""
    failed = image.get("status", {}).get("lastFailure", {})
    kept = failed.get("logTail", "") if failed.get("stage") == stage else ""
    jobs = _of_attempt(cluster, image["metadata"]["uid"], stage, attempt) if attempt else {failed.get("job")}
    if not kept or failed.get("job") not in jobs:
        asked = f"Attempt {attempt} of {stage}" if attempt else stage
        raise CommandError(f"{asked} has no pod. Its Jobs are deleted after spec.ttlAfterFinished.")
    print(_GONE, file=sys.stderr)
    print(printable(kept.rstrip("\n")))


def _same(cluster: Cluster, owner: str, uid: str) -> Object | None:
    """The pod as it is now; None when it is gone."""
    return next((pod for pod in cluster.pods(owner) if pod["metadata"]["uid"] == uid), None)


def _lines(cluster: Cluster, pod: str, names: list[str], tail: int) -> Iterator[Line]:
    for name in names:
        try:
            text = cluster.log(pod, name, tail)
        except CommandError as error:
            yield Line(name, str(error))
        else:
            yield from (Line(name, line) for line in text.splitlines())
