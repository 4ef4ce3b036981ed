"""The kopf handlers: they put the key of each InferenceImage's event on the queue.

They decide nothing and write nothing. `on.event` handlers set no annotations and no finalizers. kopf does not retry
them; the queue does.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import kopf

from inference_image_operator.api import GROUP, PLURAL, VERSION
from inference_image_operator.config.installation import Config
from inference_image_operator.core.decide import is_foreign, is_settled
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY
from inference_image_operator.kube.observe import InvalidObjectError, from_object
from inference_image_operator.observed import Observed
from inference_image_operator.runtime.job_signals import EVENT_DEBOUNCE
from inference_image_operator.runtime.pipeline_limiter import Key
from inference_image_operator.runtime.tag_holders import Publication, publication


class Sinks(NamedTuple):
    """Where the handlers put what they see. They are called in kopf's thread."""

    add: Callable[[Key, float], None]
    """A key and the seconds until it is due."""
    saw: Callable[[Key, Publication | None], None]
    """A key and its newest publication; None without one, and for a deleted object."""
    brought: Callable[[Key, str], None]
    """A key and the resourceVersion of the object that the watch has brought."""


def registry(sinks: Sinks, config: Config) -> kopf.OperatorRegistry:
    """The handlers. They ignore what another installation serves.

    A new spec or request is due at once. Other events, mainly those of the operator's own writes, are debounced.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    def login(**kwargs: Any) -> kopf.ConnectionInfo | None:  # noqa: ANN401 - kopf's own convention
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def image_changed(body: kopf.Body, type: str | None, **_: Any) -> None:  # noqa: A002, ANN401
        raw = dict(body)
        key = (raw["metadata"]["namespace"], raw["metadata"]["name"])
        if not config.serves(key[0]):
            return
        sinks.brought(key, raw["metadata"]["resourceVersion"])
        try:
            observed = from_object(raw)
        except InvalidObjectError:
            sinks.add(key, 0)  # the reconcile says what is wrong
            return
        sinks.saw(key, None if type == "DELETED" else publication(observed))
        after = image_event_delay(type, observed)
        if after is not None and not is_foreign(observed, config):
            sinks.add(key, after)

    return handlers


CHUNK = 5
"""Objects of one answer to kopf, which decodes it whole. Each has up to 1.5 MiB, and more as Python objects."""
IDLE = 0.1
"""Seconds for which kopf keeps an object after its event: with its default of 5, all objects of a list at once."""


def image_event_delay(kind: str | None, observed: Observed) -> float | None:
    """Seconds until an InferenceImage's event is due; None to ignore it. `kind` is None in the initial list."""
    if kind == "DELETED":
        return None
    if is_settled(observed):
        return None
    status = observed.status
    if (status.observed_generation, status.last_handled_request) != (observed.generation, observed.request):
        return 0
    if kind != "MODIFIED":
        return EVENT_DEBOUNCE
    if status.stage and status.stage.job_uid:
        return None  # caused by our own write of the UID; from here on the Job's events count
    return POD_CHECK_DELAY


def settings(config: Config) -> kopf.OperatorSettings:
    """Kopf's settings. Each value prevents a failure that was observed (see docs/decisions/0002)."""
    found = kopf.OperatorSettings()
    found.scanning.disabled = True  # the operator has no rights on namespaces and CRDs; app.py waits for the CRD
    found.peering.standalone = True
    found.posting.enabled = False  # kopf's own Events
    found.persistence.diffbase_storage = NoDiffs()
    found.watching.server_timeout = 290
    found.watching.client_timeout = 300
    found.watching.inactivity_timeout = 70
    found.watching.chunk_size = CHUNK
    found.queueing.idle_timeout = IDLE
    if config.watch_selector:
        found.watching.label_selectors[f"{PLURAL}.{GROUP}"] = config.watch_selector
    found.networking.request_timeout = 30
    found.networking.error_backoffs = Backoffs()
    return found


class NoDiffs(kopf.DiffBaseStorage):
    """Stores nothing and compares nothing.

    Only change handlers need a diff base, and the copies of the objects cost half of an event's CPU time.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:  # noqa: ANN401 - kopf's own convention
        """An empty essence: there is nothing to compare."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:  # noqa: ANN401 - kopf's own convention
        """None: nothing is stored."""

    def store(self, **_: Any) -> None:  # noqa: ANN401 - kopf's own convention
        """Stores nothing: an annotation would be a write."""


class Backoffs:
    """Endless delays between kopf's attempts, growing to 15 s: kopf must not give up on an API server that is down.

    Each iteration starts from the beginning, as kopf requires for every request.
    """

    def __iter__(self) -> Iterator[float]:
        """1, 2, 4, 8, 15, 15, … seconds."""
        yield from (1.0, 2.0, 4.0, 8.0)
        while True:
            yield 15.0
