"""`cancel`: suspends an object, then deletes its running Jobs."""

import sys
from collections.abc import Iterable

from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import conditions
from kubectl_inferenceimage.cluster.requests import MissingError
from kubectl_inferenceimage.cluster.verbs import suspend
from kubectl_inferenceimage.errors import CommandError

_GO_ON = """\
To go on: kubectl inferenceimage resume {name}
The stage begins again; results of finished stages are reused. To drop the run, change the spec before that. The
published image and its tags stay."""


def cancel(cluster: Cluster, name: str, *, agreed: bool) -> None:
    """Suspends the object, so that no Job follows, and deletes the Jobs that run. Raises CommandError.

    `agreed` is that the person need not be asked.
    """
    image = cluster.image(name)
    stage = image.get("status", {}).get("stage")
    if not agreed:
        _ask(name, f"delete its Job {stage['job']} of the stage {stage['name']}" if stage else "delete no Job")
    suspend(cluster, name)
    deleted = list(_deleted(cluster, cluster.jobs(image["metadata"]["uid"])))
    for job in deleted:
        print(f"{name}: deleted Job {job}, with its pods")
    if not deleted:
        print(f"{name}: no Job was running")
    print(_GO_ON.format(name=name))


def _ask(name: str, what: str) -> None:
    if not sys.stdin.isatty():
        raise CommandError(f"Nothing was changed: give --yes to suspend {name} and {what}.")
    print(f"Suspend {name} and {what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise CommandError("Nothing was changed.")


def _deleted(cluster: Cluster, jobs: Iterable[Object]) -> Iterable[str]:
    """Deletes the Jobs that have not ended. Raises CommandError, which says that the object is suspended already."""
    for job in jobs:
        if _has_ended(job):
            continue
        name = job["metadata"]["name"]
        try:
            cluster.delete_job(name, job["metadata"]["uid"])
        except MissingError:
            continue
        except CommandError as error:
            raise CommandError(f"{error} The object is suspended; Job {name} runs until it ends by itself.") from error
        yield name


def _has_ended(job: Object) -> bool:
    told = conditions(job)
    ended = any(told.get(kind, {}).get("status") == "True" for kind in ("Complete", "Failed"))
    return ended or "deletionTimestamp" in job["metadata"]
