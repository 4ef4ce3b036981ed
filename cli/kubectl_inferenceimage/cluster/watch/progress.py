"""What a watch shows of one state of the object: its stages, the time that is left, and how the run ended. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from inference_image_contract.progress import Progress
from inference_image_contract.reasons import Reason
from inference_image_operator.api import REQUESTED_AT, format_duration, parse_duration
from inference_image_operator.api.stages import Stage, Type
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.objects import STAGE, conditions, label

READY, FAILED, TIMED_OUT, HELD = 0, 1, 3, 4
"""Exit codes. 2 is that of an invalid command line."""

Durations = Mapping[Stage, float]


class Row(NamedTuple):
    """A stage."""

    stage: Stage
    state: str
    took: str
    """How long it took, or has taken so far; empty before it starts."""
    works: bool


class End(NamedTuple):
    """Why the watch ends."""

    code: int
    text: str


class Moving(NamedTuple):
    """How far the container at work is."""

    container: str
    progress: Progress


class View(NamedTuple):
    """What is shown of one state."""

    title: str
    rows: tuple[Row, ...]
    message: str
    """That of the condition Ready, while the run goes on."""
    left: str
    """The estimate of the time left; empty without one."""
    end: End | None
    moving: Moving | None = None


def view(image: Object, before: Durations, now: datetime, moving: Moving | None = None) -> View:
    """The view of the object at a time. `before` are the seconds that stages took earlier."""
    found = conditions(image)
    rows = tuple(_row(stage, image, found, now) for stage in Stage)
    meta, end = image["metadata"], ended(image)
    message = found.get(Type.READY, {}).get("message", "") if _is_current(image) else _unseen(image)
    return View(
        title=f"InferenceImage {meta['namespace']}/{meta['name']}",
        rows=rows,
        message="" if end else message,
        left="" if end else _left(image, found, before, now),
        end=end,
        moving=None if end else moving,
    )


def timings(image: Object) -> dict[Stage, float]:
    """The seconds that each stage took in the run of the status. A reused stage says nothing."""
    found = image.get("status", {}).get("timings", {})
    seconds = {stage: _seconds(found.get(stage.lower(), "")) for stage in Stage}
    return {stage: took for stage, took in seconds.items() if took is not None}


def of_jobs(jobs: Iterable[Object]) -> dict[Stage, float]:
    """The seconds that the newest complete Job of each stage took. `jobs` are sorted, the oldest first."""
    found: dict[Stage, float] = {}
    for job in jobs:
        stage, status = label(job, STAGE), job.get("status", {})
        if stage in list(Stage) and "completionTime" in status and "startTime" in status:
            took = datetime.fromisoformat(status["completionTime"]) - datetime.fromisoformat(status["startTime"])
            found[Stage(stage)] = took.total_seconds()
    return found


def ended(image: Object) -> End | None:
    """How the run for the current spec and request ended; None while it goes on."""
    found = conditions(image)
    ready, stalled = found.get(Type.READY, {}), found.get(Type.STALLED, {})
    name, stage = image["metadata"]["name"], image.get("status", {}).get("stage", {})
    if _is_current(image):
        if stalled.get("status") == "True":
            return End(FAILED, f"{stalled['reason']}: {stalled.get('message', '')}")
        if ready.get("status") == "True" and not stage:
            return End(READY, ready.get("message", ""))
    if Type.SUSPENDED in found and (stage.get("suspended") or not stage):
        return End(HELD, f"{name} is suspended. To go on: kubectl inferenceimage resume {name}")
    return None


def _is_current(image: Object) -> bool:
    """Whether the status is about the current spec and request."""
    meta, status = image["metadata"], image.get("status", {})
    requested = meta.get("annotations", {}).get(REQUESTED_AT, "")
    return bool(
        status.get("observedGeneration") == meta.get("generation")
        and status.get("lastHandledRequest", "") == requested
        and "run" in status
    )


def _unseen(image: Object) -> str:
    generation = image["metadata"].get("generation", 0)
    return f"The operator has not begun generation {generation}, or the newest request, yet."


def _row(stage: Stage, image: Object, told: Mapping[str, Any], now: datetime) -> Row:
    status = image.get("status", {})
    claimed = status.get("stage", {})
    state = told.get(stage.condition, {}).get("reason", "Pending")
    if claimed.get("name") != stage:
        took = status.get("timings", {}).get(stage.lower(), "")
        return Row(stage, state, "" if took == Reason.REUSED else took, works=False)
    attempt = claimed.get("attempt", 1)
    so_far = format_duration(_elapsed(claimed, now))
    return Row(stage, f"{state}, attempt {attempt}" if attempt > 1 else state, so_far, works=True)


def _elapsed(claimed: Mapping[str, Any], now: datetime) -> float:
    return max(0.0, (now - datetime.fromisoformat(claimed["startTime"])).total_seconds())


def _left(image: Object, told: Mapping[str, Any], before: Durations, now: datetime) -> str:
    """The estimate. Until Resolve has ended, nobody knows which stages are needed: it is an upper bound."""
    claimed = image.get("status", {}).get("stage", {})
    missing = [stage for stage in Stage if told.get(stage.condition, {}).get("status") != "True"]
    if image["spec"].get("test", {}).get("enabled") is False:
        missing = [stage for stage in missing if stage is not Stage.TEST]
    if not claimed or not missing or any(stage not in before for stage in missing):
        return ""
    elapsed = _elapsed(claimed, now)
    seconds = sum(max(0.0, before[stage] - (elapsed if stage == claimed["name"] else 0.0)) for stage in missing)
    bound = "at most about " if Stage.RESOLVE in missing else "about "
    return bound + format_duration(seconds)


def _seconds(text: str) -> int | None:
    try:
        return parse_duration(text)
    except ValueError:  # empty, or Reused
        return None
