"""The invariants of InferenceImages: the final state, and what the audit log must never show."""

import re
from collections.abc import Sequence
from typing import Any

from tests.faults.harness.audit import Write
from tests.faults.harness.subject import Bench
from tests.faults.image.objects import GROUP, conditions, created, ended, jobs, stage_of
from tests.loop.api import Object

JOB_NAME = re.compile(r"-(resolve|export|build|test)-[0-9a-f]{10}")
POD_NAME = re.compile(r"Pod server-\S+")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def final(bench: Bench) -> Object:
    """Statuses without times and UIDs, existing Jobs, and the stages of the created Jobs in order.

    Waits for the Jobs: an object is Ready before its last Job says that it is complete.
    """
    bench.until("every Job has ended", lambda: all(ended(job) for job in jobs(bench)))
    found = bench.api.get(bench.path(GROUP, "inferenceimages"))["items"]
    return {
        "images": {image["metadata"]["name"]: _timeless(image.get("status", {})) for image in found},
        "jobs": sorted(f"{stage_of(job)} {ended(job)}" for job in jobs(bench)),
        "created": created(bench.audited()),
        "served": [_served(found) for found in bench.api.get(bench.path("/apis/apps/v1", "deployments"))["items"]],
    }


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        left_out = {"lastTransitionTime", "time", "startTime", "timings", "retryAt", "failureTime", "installation"}
        left_out |= {"jobUID", "endedJobs"}
        return {key: _timeless(inner) for key, inner in value.items() if key not in left_out}
    if isinstance(value, list):
        return [_timeless(inner) for inner in value]
    return POD_NAME.sub("Pod", JOB_NAME.sub(r"-\1-HASH", value)) if isinstance(value, str) else value


def _served(deployment: Object) -> str:
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"]


def violations(writes: Sequence[Write]) -> list[str]:
    """Every violation of an invariant, as a sentence."""
    return [*_overlapping_jobs(writes), *_bad_statuses(writes)]


def _overlapping_jobs(writes: Sequence[Write]) -> list[str]:
    """Jobs that overlap, in etcd's order where there is one.

    A Job lasts from its creation to its deletion or its end, which is that of its pod if it succeeds.
    """
    found = []
    born: dict[str, tuple[str, Write]] = {}
    for write in writes:
        if write.resource != "jobs" or not write.done:
            continue
        if write.verb == "create" and not write.subresource:
            mine = _owner(write.object)
            for name, (owner, other) in born.items():
                if owner == mine and not _over(name, other, write, writes):
                    found.append(f"Job {write.name} was created while {name} could run")
            born[write.name] = (mine, write)
    return found


def _owner(job: Object) -> str:
    return next((owner["uid"] for owner in job["metadata"].get("ownerReferences", [])), job["metadata"]["name"])


def _over(name: str, born: Write, successor: Write, writes: Sequence[Write]) -> bool:
    """Whether the Job was finished or deleted when its successor was created."""
    limit = int(successor.object["metadata"]["resourceVersion"])
    for write in writes:
        if not write.done or write.ended < born.ended:
            continue
        if _succeeded(write, born) and int(write.object["metadata"]["resourceVersion"]) < limit:
            return True
        if write.resource != "jobs" or write.name != name:
            continue
        if ended(write.object) and int(write.object["metadata"]["resourceVersion"]) < limit:
            return True
        if _removed(write) and write.time <= successor.ended:
            return True
    return False


def _succeeded(write: Write, job: Write) -> bool:
    """Whether this write says that a pod of the Job has succeeded."""
    if write.resource != "pods" or write.object.get("status", {}).get("phase") != "Succeeded":
        return False
    return _owner(write.object) == job.object["metadata"]["uid"]


def _removed(write: Write) -> bool:
    """Whether this write removed the Job: deleted without a finalizer, or its last finalizer removed."""
    if write.verb == "delete":
        return not write.object or not write.object["metadata"].get("finalizers")
    meta = write.object.get("metadata", {})
    return "deletionTimestamp" in meta and not meta.get("finalizers")


def _bad_statuses(writes: Sequence[Write]) -> list[str]:
    found = []
    newest: dict[str, int] = {}
    for write in writes:
        if (write.resource, write.subresource) != ("inferenceimages", "status") or not write.object:
            continue
        meta, status = write.object["metadata"], write.object.get("status", {})
        if "serviceaccount" not in write.user:
            continue
        seen = status.get("observedGeneration", -1)
        if seen < newest.get(meta["uid"], -1):
            found.append(f"observedGeneration of {write.name} went back to {seen}")
        newest[meta["uid"]] = seen
        if conditions(write.object).get("Ready", ("",))[0] == "True":
            image = status.get("image", {})
            if not DIGEST.fullmatch(image.get("digest", "")):
                found.append(f"{write.name} is Ready without a digest: {image}")
            if seen != meta["generation"]:
                found.append(f"{write.name} was called Ready at generation {meta['generation']}, seen {seen}")
    return found
