"""`describe`: a tree of the object, its stages, Jobs, pods and containers, and the failure with its remedy."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from inference_image_operator.api.stages import Stage, Type
from inference_image_operator.api.steps import CONTAINERS
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import ATTEMPT, JOB, conditions, container_statuses, label
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.errors import CommandError

if TYPE_CHECKING:
    from rich.text import Text

_OVERALL = (Type.READY, Type.STALLED, Type.SUSPENDED, Type.PINNED)
_WIDTH = 160
"""Columns of a text that is not written to a terminal."""


class Node(NamedTuple):
    """A line of the tree with what stands below it."""

    text: str
    below: Sequence["Node"] = ()


class Tree(NamedTuple):
    """An InferenceImage, in parts."""

    title: str
    overall: Sequence[Node]
    stages: Mapping[Stage, Node]
    published: Sequence[Node]
    failed: Sequence[Node]

    @property
    def whole(self) -> Node:
        """All of it as one tree."""
        return Node(self.title, (*self.overall, *self.stages.values(), *self.published, *self.failed))


class Gathered(NamedTuple):
    """What stands below an InferenceImage, as far as the person may read it."""

    jobs: list[Object]
    pods: list[Object]
    missing: list[str]
    """Sentences about what could not be read."""


def describe(cluster: Cluster, name: str) -> None:
    """Prints the tree. What the person may not read is left out, and named. Raises CommandError."""
    image = cluster.image(name)
    found = gathered(cluster, image["metadata"]["uid"])
    whole = tree(image, found.jobs, found.pods).whole
    _print(whole._replace(below=(*whole.below, *map(Node, found.missing))))


def gathered(cluster: Cluster, uid: str) -> Gathered:
    """The Jobs and pods of the InferenceImage with this UID."""
    missing: list[str] = []

    def readable(read: Callable[[str], list[Object]]) -> list[Object]:
        try:
            return read(uid)
        except CommandError as error:
            missing.append(str(error))
            return []

    return Gathered(readable(cluster.jobs), readable(cluster.pods), missing)


def tree(image: Object, jobs: Iterable[Object], pods: Iterable[Object]) -> Tree:
    """The tree of an InferenceImage."""
    meta, status = image["metadata"], image.get("status", {})
    found = conditions(image)
    return Tree(
        title=f"InferenceImage {meta['namespace']}/{meta['name']}",
        overall=[_condition(found[kind]) for kind in _OVERALL if kind in found],
        stages={stage: _stage(stage, status, found, jobs, pods) for stage in Stage},
        published=[
            *([_published(status["image"])] if "image" in status else []),
            *([_rolled_out(found[Type.ROLLED_OUT], status)] if Type.ROLLED_OUT in found else []),
        ],
        failed=[_failure(status["lastFailure"])] if "lastFailure" in status else [],
    )


def _condition(condition: Mapping[str, Any], *facts: str) -> Node:
    """The condition with its message, which ends with the remedy of a failure, and more facts."""
    below = [Node(text) for text in (condition.get("message", ""), *facts) if text]
    return Node(f"{condition['type']}: {condition['status']} ({condition['reason']})", below)


def _stage(
    stage: Stage, status: Object, told: Mapping[str, Object], jobs: Iterable[Object], pods: Iterable[Object]
) -> Node:
    condition = told.get(stage.condition, {})
    took = status.get("timings", {}).get(stage.lower(), "")
    said = condition.get("reason", "Pending")
    claimed = status.get("stage", {})
    shown = claimed.get("job") if claimed.get("name") == stage else _last_failed(stage, status)
    below = [_job(job, pods) for job in jobs if job["metadata"]["name"] == shown]
    return Node(f"{stage}: {said}{f' ({took})' if took else ''}", below)


def _last_failed(stage: Stage, status: Object) -> str:
    failed = status.get("lastFailure", {})
    job: str = failed.get("job", "") if failed.get("stage") == stage else ""
    return job


def _job(job: Object, pods: Iterable[Object]) -> Node:
    name = job["metadata"]["name"]
    own = [pod for pod in pods if label(pod, JOB) == name]
    attempt = job["metadata"].get("annotations", {}).get(ATTEMPT, "")
    return Node(f"Job {name}{f', attempt {attempt}' if attempt else ''}", [_pod(pod) for pod in own])


def _pod(pod: Object) -> Node:
    states = {found["name"]: _state(found.get("state") or {}) for found in container_statuses(pod)}
    order = {name: place for place, name in enumerate(name for names in CONTAINERS.values() for name in names)}
    ordered = sorted(states, key=lambda name: order.get(name, len(order)))
    return Node(
        f"Pod {pod['metadata']['name']}: {pod.get('status', {}).get('phase', 'Unknown')}",
        [Node(f"{name}: {states[name]}") for name in ordered],
    )


def _state(state: Object) -> str:
    if ended := state.get("terminated"):
        return f"exit code {ended['exitCode']}" + (f" ({ended['reason']})" if ended.get("reason") else "")
    if waiting := state.get("waiting"):
        return f"waiting ({waiting.get('reason', 'no reason given')})"
    return "running" if "running" in state else "not started"


def _published(image: Object) -> Node:
    facts = [
        f"Tags: {', '.join(image['tags'])}" if image.get("tags") else "",
        f"Step: {image['step']}" if "step" in image else "",
        f"Published: {image['time']}" if "time" in image else "",
    ]
    return Node(f"Image: {image['reference']}", [Node(fact) for fact in facts if fact])


def _rolled_out(condition: Mapping[str, Any], status: Object) -> Node:
    rollout = status.get("rollout", {})
    facts = {"Target": "target", "Image": "image", "Image before": "previousImage"}
    return _condition(condition, *(f"{name}: {rollout[key]}" for name, key in facts.items() if rollout.get(key)))


def _failure(failed: Object) -> Node:
    log = failed.get("logTail", "")
    below = [Node(failed["message"]), Node(f"Remedy: {failed['hint']}")]
    if log:
        below.append(Node("Log", [Node(line) for line in log.splitlines()]))
    return Node(f"Last failure: {failed['reason']} in {failed['stage']}, {failed['time']}", below)


def _print(whole: Node) -> None:
    """Draws the tree: with colors on a terminal, plain elsewhere."""
    from rich import tree as drawn
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH, no_color=True, highlight=False)

    def add(node: Node, place: drawn.Tree) -> None:
        for child in node.below:
            add(child, place.add(_shown(child.text)))

    root = drawn.Tree(_shown(whole.text))
    add(whole, root)
    console.print(root)


def _shown(text: str) -> "Text":
    """The text without markup and control characters: it comes from others, and may not write to the terminal."""
    from rich.text import Text

    return Text(printable(text))
