"""Sends the spans of runs to a receiver of OpenTelemetry's protocol. Imported only if the installation names one.

The thin shell around `core.trace`. The SDK's queue is bounded, and its own thread sends: a receiver that is slow, that
is absent or that refuses costs the loop nothing. What it does not take within seconds is dropped.
"""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode, TraceFlags, set_span_in_context

from inference_image_contract import __version__
from inference_image_operator.api import Status as ObjectStatus
from inference_image_operator.core import trace
from inference_image_operator.observed import Observed

log = logging.getLogger(__name__)

NAME = "inference-image-operator"
MAX_TEXT = 1024
"""Characters of one text in a span."""
MAX_QUEUE = 2048
"""Spans that wait. A run has about twenty, so these are a hundred runs that end within `EVERY`."""
MAX_BATCH = 512
EVERY = 2.0
"""Seconds between two requests."""
TIMEOUT = 5.0
"""Seconds for one batch with its retries, and for what is left at the end of the process."""
QUIET = 300.0
"""Seconds between two lines of the log about a receiver that does not take spans."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SAYS_EACH_TIME = ("opentelemetry.exporter.otlp.proto.http.trace_exporter", "opentelemetry.sdk._shared_internal")
_SAYS_SECRETS = "opentelemetry.util.re"
"""Logs the headers that it cannot parse, which are a Secret's."""


class Traces:
    """Sends spans. It lives as long as the process."""

    def __init__(self, url: str, every: float = EVERY) -> None:
        """`url` is the full URL of the receiver. `every` is in seconds."""
        _bound_logs(url)
        self._ids = _GivenIds()
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create({"service.name": NAME, "service.version": __version__}),
            id_generator=self._ids,
            shutdown_on_exit=False,  # it would wait for longer than `close`
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                OTLPSpanExporter(endpoint=url, timeout=TIMEOUT),
                max_queue_size=MAX_QUEUE,
                max_export_batch_size=MAX_BATCH,
                schedule_delay_millis=every * 1000,
            )
        )
        self._tracer = self._provider.get_tracer(NAME, __version__)

    def decided(self, observed: Observed, after: ObjectStatus, now: datetime) -> None:
        """A reconcile has written the status `after`. Whatever is wrong with a span, the reconcile goes on."""
        try:
            for span in trace.ended(observed, after, now):
                self._send(span)
        except Exception:
            log.exception("cannot trace the run")

    def close(self) -> None:
        """Sends what is left. Takes at most `TIMEOUT` seconds, then the rest is lost."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(TIMEOUT)

    def _send(self, span: trace.Span) -> None:
        self._ids.next = span
        context = set_span_in_context(NonRecordingSpan(_context(span))) if span.parent_id else None
        sent = self._tracer.start_span(
            _text(span.name),
            context=context,
            start_time=_nanoseconds(span.start),
            attributes={key: _clean(value) for key, value in span.attributes.items()},
        )
        if span.error:
            sent.set_status(Status(StatusCode.ERROR, _text(span.error)))
        sent.end(_nanoseconds(span.end))


class _GivenIds(IdGenerator):
    """Gives a span the ids of its record, which are the same after a restart."""

    next: trace.Span

    def generate_trace_id(self) -> int:
        return self.next.trace_id

    def generate_span_id(self) -> int:
        return self.next.span_id


class _NowAndThen(logging.Filter):
    """Lets one line pass in `QUIET` seconds, and names the receiver in it."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self._silent_until = 0.0

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        passes = now >= self._silent_until
        if passes:
            self._silent_until = now + QUIET
            record.msg, record.args = f"traces to {self._url}: {record.getMessage()}", ()
        return passes


def _bound_logs(url: str) -> None:
    """A receiver that is down would fill the log: the SDK writes lines about each batch."""
    logging.getLogger(_SAYS_SECRETS).disabled = True
    for name in _SAYS_EACH_TIME:
        logging.getLogger(name).addFilter(_NowAndThen(url))


def _context(span: trace.Span) -> SpanContext:
    """The parent of a span. It may be sent later, or may have been sent by a process before this one."""
    return SpanContext(span.trace_id, span.parent_id or 0, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def _clean(value: trace.Value) -> trace.Value:
    if isinstance(value, tuple):
        return tuple(map(_text, value))
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """The text as protobuf takes it. One text with half a character would cost its whole batch."""
    return text[:MAX_TEXT].encode(errors="replace").decode()


def _nanoseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
