"""A receiver of OpenTelemetry's protocol over HTTP, which decodes what it gets as a Collector would."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from devcluster.lib.in_thread import serving


@dataclass
class Received:
    """A span, with its ids in hex, its times in seconds since 1970 and its attributes as Python has them."""

    name: str
    trace: str
    id: str
    parent: str
    start: float
    end: float
    attributes: dict[str, Any]
    failed: bool
    message: str


@dataclass
class Receiver:
    """Keeps what arrives. `status` is its answer."""

    status: int = 200
    port: int = 0
    spans: list[Received] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def traces(self) -> dict[str, list[Received]]:
        """The spans of each trace, by their start; equal ones in the order in which they came."""
        found: dict[str, list[Received]] = {}
        for span in sorted(self.spans, key=lambda span: span.start):
            found.setdefault(span.trace, []).append(span)
        return found

    def take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.paths.append(path)
        self.headers.append(headers)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = {one.key: _value(one.value) for one in group.resource.attributes}
            self.spans += [_received(span) for scope in group.scope_spans for span in scope.spans]


def _received(span: Any) -> Received:
    return Received(
        name=span.name,
        trace=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        start=span.start_time_unix_nano / 1e9,
        end=span.end_time_unix_nano / 1e9,
        attributes={one.key: _value(one.value) for one in span.attributes},
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        message=span.status.message,
    )


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(one) for one in value.array_value.values]
    return getattr(value, kind)


@contextmanager
def receiving(status: int = 200) -> Iterator[Receiver]:
    """A receiver on a free port of this machine."""
    found = Receiver(status)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.take(self.path, dict(self.headers), body)
            self.send_response(found.status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as server:
        found.port = server.server_port
        yield found
