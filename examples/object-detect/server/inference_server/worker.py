"""The process that answers: gunicorn's threaded worker, which on SIGTERM first finishes what it has taken."""

import threading
from types import FrameType

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

DRAIN_SECONDS = 16.0
"""How long a stopping server works off its queue; gunicorn then has 4 s to close connections (see GRACE_SECONDS)."""

GRACE_SECONDS = 20
"""From SIGTERM to SIGKILL of the worker; far enough under Kubernetes' 30 s that a busy node keeps to it too."""


class DrainingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Keeps its socket open while requests are inside, so that a late client gets a 503 instead of a reset."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM. Only a call is queued: a signal may come while the main thread holds any lock."""
        self.method_queue.defer(self._drain, sig, frame)

    def _drain(self, sig: int, frame: FrameType | None) -> None:
        def finish() -> None:
            self.app.service.drain(DRAIN_SECONDS)
            ThreadWorker.handle_exit(self, sig, frame)

        threading.Thread(target=finish, name="drain", daemon=True).start()
