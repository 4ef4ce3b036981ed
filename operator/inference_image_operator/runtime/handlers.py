"""kopf's part: watch events become keys on the queue. Nothing is decided and nothing is written here.

`on.event` handlers keep no annotations and set no finalizer; kopf never retries them, the queue does.
"""

from collections.abc import Callable, Iterator
from typing import Any

import kopf

from inference_image_operator.api import GROUP, PLURAL, VERSION
from inference_image_operator.core.decide import is_settled
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.jobs.job import ANNOTATION_OWNER, LABEL_MANAGED_BY, MANAGED_BY
from inference_image_operator.kube.client import Object
from inference_image_operator.kube.observe import finished, from_object
from inference_image_operator.runtime.pipeline_limiter import Key

SELECTORS = {"jobs.batch": f"{LABEL_MANAGED_BY}={MANAGED_BY}"}
"""Only our Jobs are watched; the API server filters."""


def registry(add: Callable[[Key, float], None]) -> kopf.OperatorRegistry:
    """The handlers, wired to `add`, which takes seconds until the key is due.

    A new wish and a Job's end are answered at once. Everything else, above all the echo of the operator's own writes,
    is gathered for a moment.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - kopf's own convention
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def image_changed(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002, ANN401
        raw = dict(body)
        after = image_event_delay(type, raw)
        if after is not None:
            add((raw["metadata"]["namespace"], raw["metadata"]["name"]), after)

    @kopf.on.event("batch", "v1", "jobs", registry=handlers)
    async def job_changed(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002, ANN401
        raw = dict(body)
        owner = raw["metadata"].get("annotations", {}).get(ANNOTATION_OWNER)
        if owner:
            add((raw["metadata"]["namespace"], owner), job_event_delay(type, raw))

    return handlers


EVENT_DEBOUNCE = 1.0
"""Seconds in which news that somebody waits for are gathered, so that one pass answers them all."""


def image_event_delay(kind: str | None, image: Object) -> float | None:
    """Seconds until an InferenceImage's event is due, None when it asks for nothing. `kind` is None in a listing."""
    if kind == "DELETED":
        return None
    observed = from_object(image)
    if is_settled(observed):
        return None
    status = observed.status
    if (status.observed_generation, status.last_handled_request) != (observed.generation, observed.request):
        return 0
    if kind != "MODIFIED":
        return EVENT_DEBOUNCE
    if status.stage and status.stage.job_uid:
        return None  # the echo of our own note that the Job exists: from here on the Job brings the news
    return POD_CHECK_DELAY


def job_event_delay(kind: str | None, job: Object) -> float:
    """Seconds until a Job's event is due: its end at once, that it is suspended or resumed soon.

    Its progress waits for the look that a stage gets anyway. Answered one by one, the operator's own writes and the
    steps of the Job cost more than all the rest of a stage, the API server even more than the operator.
    """
    if kind == "DELETED" or finished(job):
        return 0
    conditions = job.get("status", {}).get("conditions", [])
    return EVENT_DEBOUNCE if any(c["type"] == "Suspended" for c in conditions) else POD_CHECK_DELAY


def settings() -> kopf.OperatorSettings:
    """Kopf's settings; each value answers something that was seen to go wrong (see docs/decisions/0002)."""
    found = kopf.OperatorSettings()
    found.scanning.disabled = True  # no rights on namespaces and CRDs; app.py waits for the CRD itself
    found.peering.standalone = True
    found.posting.enabled = False  # kopf's own Events
    found.persistence.diffbase_storage = NoDiffs()
    found.watching.server_timeout = 290
    found.watching.client_timeout = 300
    found.watching.inactivity_timeout = 70
    found.watching.chunk_size = 500
    for resource, selector in SELECTORS.items():
        found.watching.label_selectors[resource] = selector
    found.networking.request_timeout = 30
    found.networking.error_backoffs = Backoffs()
    return found


class NoDiffs(kopf.DiffBaseStorage):
    """Keeps nothing and compares nothing.

    Only handlers of changes need that, and the copies of the objects cost half of an event's CPU.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:  # noqa: ANN401 - kopf's own convention
        """Nothing of an object is of interest for a comparison."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - kopf's own convention
        """Nothing was kept."""

    def store(self, **_: Any) -> None:  # noqa: ANN401 - kopf's own convention
        """Nothing is kept: an annotation of ours would be a write."""


class Backoffs:
    """Endless pauses between kopf's attempts, growing to 15 s: an API server that is down for long is no reason to end.

    An iterable that starts anew for every request, as kopf asks.
    """

    def __iter__(self) -> Iterator[float]:
        """1, 2, 4, 8, 15, 15, … seconds."""
        yield from (1.0, 2.0, 4.0, 8.0)
        while True:
            yield 15.0
