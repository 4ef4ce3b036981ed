"""The program: `python3 -m inference_server` serves the configured model with gunicorn until SIGTERM."""

import argparse
import logging
import os
import sys
import traceback
from functools import partial
from typing import TYPE_CHECKING

from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]
from gunicorn.errors import HaltServer  # type: ignore[import-untyped]

from inference_server import memory
from inference_server.app import create_app
from inference_server.config import CONFIG_ENV, ConfigError, ServiceConfig, read_config
from inference_server.model import create_model
from inference_server.service import Service
from inference_server.worker import GRACE_SECONDS

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

SPARE_THREADS = 8
"""Beside one thread for each request inside: for those that are refused, `/initialized` and `/metrics`."""

OUT_OF_MEMORY = (
    "The process that holds the model was killed: it used more memory than the container's limit. Raise the limit; "
    "loading a model takes several times the size of its file."
)
WORKER_ENDED = "The process that holds the model ended without being asked to."
OUT_OF_MEMORY_PERHAPS = "Most often it was killed for want of memory: raise the container's memory limit."
KILLED = 128 + 9
"""Exit code of this server when the kernel killed its worker: that of a program which SIGKILL ended."""

CONNECTIONS = 1000
"""Connections that may be kept open between requests."""

SETTINGS = {
    "workers": 1,  # one process holds the model; its runtime uses the other cores itself
    "worker_class": "inference_server.worker.DrainingWorker",
    "worker_tmp_dir": "/dev/shm",  # noqa: S108 - writable in every container, even with a read-only root file system
    "timeout": 0,  # loading may hold the interpreter for seconds; whether the service lives is the kubelet's question
    "graceful_timeout": GRACE_SECONDS,
    "control_socket_disable": True,
}


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, with the model loaded in its worker."""

    service: Service
    """What the worker asks, and drains before it ends."""

    def __init__(self, config: ServiceConfig, bind: str) -> None:
        self._config = config
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn: our settings, and none from its command line or environment."""
        threads = self._config.batching.queue + SPARE_THREADS
        own = {"bind": self._bind, "threads": threads, "worker_connections": CONNECTIONS + threads}
        own["child_exit"] = end_with_the_worker
        for name, value in {**SETTINGS, **own}.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Called by gunicorn in the worker: answers at once while the model loads."""
        self.service = Service(partial(create_model, self._config), give_up, self._config.batching)
        self.service.start()
        return create_app(self.service)


def end_with_the_worker(arbiter: Arbiter, _: object) -> None:
    """Called by gunicorn when the worker has ended. Without a request to stop, nothing good comes of another one.

    A worker that was killed while it loaded the model would be killed again and again, and nobody would be told.
    """
    if not arbiter.LISTENERS:  # it was told to stop
        return
    killed = memory.kills()
    if killed:
        print(OUT_OF_MEMORY, file=sys.stderr, flush=True)
        raise HaltServer("out of memory", KILLED)
    print(WORKER_ENDED if killed == 0 else f"{WORKER_ENDED} {OUT_OF_MEMORY_PERHAPS}", file=sys.stderr, flush=True)
    raise HaltServer("the worker ended", Arbiter.WORKER_BOOT_ERROR)


def give_up(error: BaseException) -> None:
    """Ends the worker, and by this exit code gunicorn, so that the container fails and its log says why."""
    if isinstance(error, ConfigError):
        print(f"The service is configured wrongly: {error}", file=sys.stderr)
    else:
        traceback.print_exception(error)
        print("The model cannot be loaded (see the traceback above).", file=sys.stderr)
    sys.stderr.flush()
    os._exit(Arbiter.APP_LOAD_ERROR)  # from a thread, sys.exit would end that thread only


def main() -> None:
    """Serves until it is told to stop."""
    parser = argparse.ArgumentParser(prog="inference_server", description=__doc__)
    parser.add_argument("--bind", default="0.0.0.0:8080", help="address and port to listen on")
    bind = parser.parse_args().bind
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        config = read_config(os.environ.get(CONFIG_ENV, ""))
    except ConfigError as error:
        sys.exit(f"The service is configured wrongly: {error}")
    Server(config, bind).run()


if __name__ == "__main__":
    main()
