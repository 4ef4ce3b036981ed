"""The worker process: gunicorn's threaded worker, which on SIGTERM first finishes admitted requests.

A thread gets a connection when the headers of its request have arrived, and probes have threads of their own. So
neither slow clients nor a full queue keep `/initialized` from being answered.
"""

import select
import selectors
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import FrameType
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from inference_server.arrivals import Arrivals, Connection, headers, is_probe

DRAIN_SECONDS = 16.0
"""How long a stopping server drains its queue; gunicorn then has 4 s to close connections (see GRACE_SECONDS)."""

GRACE_SECONDS = 20
"""From SIGTERM to SIGKILL of the worker; well below Kubernetes' 30 s, so that it holds on a busy node too."""

PROBE_THREADS = 2

NEXT_MILLISECONDS = 2
"""How long a thread waits for the next request on its connection, before the worker's loop does."""


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Keeps its socket open while requests are in progress, so that a late client gets a 503 instead of a reset."""

    def run(self) -> None:
        """The worker's loop."""
        self._arrivals = Arrivals()
        self._probes = ThreadPoolExecutor(PROBE_THREADS, thread_name_prefix="probe")
        self.poller.register(self._arrivals, selectors.EVENT_READ, self._submit_arrived)
        super().run()

    def enqueue_req(self, conn: Any) -> None:  # noqa: ANN401 - gunicorn has no types
        """Called by gunicorn for a connection with a new request, or a part of one."""
        if conn.parser and conn.parser.unreader.buf.getvalue():  # read already, with the request before
            super().enqueue_req(conn)
            return
        found = headers(conn.sock)
        if found is None:
            self._arrivals.add(conn)
        else:
            self._submit(conn, found)

    def murder_pending(self) -> None:
        """Called by gunicorn once a second: ends connections whose request does not arrive."""
        super().murder_pending()
        for connection in self._arrivals.late():
            self.nr_conns -= 1
            connection.close()  # type: ignore[attr-defined]

    def _submit_arrived(self, _: object) -> None:
        for connection, found in self._arrivals.arrived():
            self._submit(connection, found)

    def _submit(self, connection: Connection, found: bytes) -> None:
        if not is_probe(found):
            super().enqueue_req(connection)
            return
        answered: Future[object] = self._probes.submit(self.handle, connection)
        answered.add_done_callback(partial(self.method_queue.defer, self.finish_request, connection))

    def handle(self, conn: Any) -> object:  # noqa: ANN401 - as above
        """Handles a request in a thread, and those that follow on the same connection at once.

        The way back through the worker's loop takes four switches of threads. A thread stays with a connection only
        while there is one for each.
        """
        kept = super().handle(conn)
        while kept is True and self.alive and self.nr_conns <= self.cfg.threads and _follows(conn):
            kept = super().handle(conn)
        return kept

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles SIGTERM. It only queues a call, because the signal may arrive while the main thread holds a lock."""
        self.method_queue.defer(self._drain, sig, frame)

    def _drain(self, sig: int, frame: FrameType | None) -> None:
        def finish() -> None:
            self.app.service.drain(DRAIN_SECONDS)
            ThreadWorker.handle_exit(self, sig, frame)

        threading.Thread(target=finish, name="drain", daemon=True).start()


def _follows(conn: Any) -> bool:  # noqa: ANN401 - gunicorn has no types
    """Whether the headers of another request arrive soon."""
    arrived = select.poll()
    arrived.register(conn.sock, select.POLLIN)
    return bool(arrived.poll(NEXT_MILLISECONDS)) and bool(headers(conn.sock))
