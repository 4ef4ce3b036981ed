"""The Prometheus metrics: requests by status, their durations, batch sizes, queue length."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from inference_server import memory

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)
SIZES = (1, 2, 4, 8, 16, 32, 64)


class Metrics:
    """The metrics of one service, in a separate registry."""

    def __init__(self, queue_length: Callable[[], int]) -> None:
        """`queue_length` is called at each scrape."""
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "inference_requests", "Requests to /service by status code.", ["code"], registry=self._registry
        )
        self._seconds = Histogram(
            "inference_request_seconds",
            "Seconds from the request's headers to its response, including rejected requests.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._batches = Histogram(
            "inference_batch_size", "Requests per call of the model.", buckets=SIZES, registry=self._registry
        )
        self._model = Histogram(
            "inference_model_seconds", "Seconds of one call of the model.", buckets=SECONDS, registry=self._registry
        )
        length = Gauge("inference_queue_length", "Requests waiting for the model.", registry=self._registry)
        length.set_function(queue_length)
        ProcessCollector(registry=self._registry)
        peak = Gauge("process_resident_memory_peak_bytes", "Peak resident memory in bytes.", registry=self._registry)
        peak.set_function(memory.peak_bytes)

    def answered(self, code: int, seconds: float) -> None:
        """Counts an answered request to `/service`."""
        self._requests.labels(str(code)).inc()
        self._seconds.observe(seconds)

    def executed(self, size: int, seconds: float) -> None:
        """Counts one call of the model, for `size` requests."""
        self._batches.observe(size)
        self._model.observe(seconds)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
