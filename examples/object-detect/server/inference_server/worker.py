"""The worker process: gunicorn's threaded worker, which on SIGTERM first finishes admitted requests."""

import threading
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

DRAIN_SECONDS = 16.0
"""How long a stopping server drains its queue; gunicorn then has 4 s to close connections (see GRACE_SECONDS)."""

GRACE_SECONDS = 20
"""From SIGTERM to SIGKILL of the worker; well below Kubernetes' 30 s, so that it holds on a busy node too."""


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Keeps its socket open while requests are in progress, so that a late client gets a 503 instead of a reset."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handles SIGTERM. It only queues a call, because the signal may arrive while the main thread holds a lock."""
        self.method_queue.defer(self._drain, sig, frame)

    def _drain(self, sig: int, frame: FrameType | None) -> None:
        def finish() -> None:
            self.app.service.drain(DRAIN_SECONDS)
            ThreadWorker.handle_exit(self, sig, frame)

        threading.Thread(target=finish, name="drain", daemon=True).start()
