"""What Prometheus may know: requests by status, how long they took, how large batches were, how long the queue is."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from inference_server import memory

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self, queue_length: Callable[[], int]) -> None:
        """`queue_length` is asked at each scrape."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "inference_requests", "Requests to /service by status code.", ["code"], registry=self._registry
        )
        self._seconds = Histogram(
            "inference_request_seconds",
            "From the request's headers to its answer, refusals included.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "inference_batch_size", "Requests in one call of the model.", buckets=SIZES, registry=self._registry
        )
        self._model = Histogram(
            "inference_model_seconds", "One call of the model.", buckets=SECONDS, registry=self._registry
        )
        length = Gauge("inference_queue_length", "Requests that wait for the model.", registry=self._registry)
        length.set_function(queue_length)
        ProcessCollector(registry=self._registry)
        peak = Gauge(
            "process_resident_memory_peak_bytes", "Highest resident memory so far, in bytes.", registry=self._registry
        )
        peak.set_function(memory.peak_bytes)

    def answered(self, code: int, seconds: float) -> None:
        """One request to `/service` has its answer."""
        self._requests.labels(str(code)).inc()
        self._seconds.observe(seconds)

    def executed(self, size: int, seconds: float) -> None:
        """The model was called once, for `size` requests."""
        self._batches.observe(size)
        self._model.observe(seconds)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
