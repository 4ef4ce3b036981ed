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
"""Threads besides one per admitted request: for rejected requests, `/initialized` and `/metrics`."""

OUT_OF_MEMORY = (
    "The model's process was killed because the container exceeded its memory limit. Raise the limit: "
    "loading a model takes several times its file size."
)
WORKER_ENDED = "The model's process ended unexpectedly."
PROBABLY_OUT_OF_MEMORY = "It probably ran out of memory: raise the container's memory limit."
KILLED = 128 + 9
"""Exit code when the kernel kills the worker: that of a program ended by SIGKILL."""

CONNECTIONS = 1000
"""Maximal connections kept open between requests."""

SETTINGS = {
    "workers": 1,  # one process loads the model; the runtime uses the other cores
    "worker_class": "inference_server.worker.DrainingWorker",
    "worker_tmp_dir": "/dev/shm",  # noqa: S108 - writable in every container, even with a read-only root file system
    "timeout": 0,  # loading may block the interpreter for seconds; the kubelet checks liveness
    "graceful_timeout": GRACE_SECONDS,
    "control_socket_disable": True,
}


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, with the model loaded in its worker."""

    service: Service
    """The service that the worker runs, and drains before it ends."""

    def __init__(self, config: ServiceConfig, bind: str) -> None:
        self._config = config
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn. Uses our settings only, none from its command line or environment."""
        threads = self._config.batching.queue + SPARE_THREADS
        own = {"bind": self._bind, "threads": threads, "worker_connections": CONNECTIONS + threads}
        own["child_exit"] = end_with_the_worker
        for name, value in {**SETTINGS, **own}.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Called by gunicorn in the worker. Loads the model in the background, so that requests get replies."""
        self.service = Service(partial(create_model, self._config), give_up, self._config.batching)
        self.service.start()
        return create_app(self.service)


def end_with_the_worker(arbiter: Arbiter, _: object) -> None:
    """Called by gunicorn when the worker has ended. Ends the server too unless it was asked to stop.

    Otherwise a worker killed while loading the model would be restarted and killed forever, unnoticed.
    """
    if not arbiter.LISTENERS:  # it was asked to stop
        return
    killed = memory.kills()
    if killed:
        print(OUT_OF_MEMORY, file=sys.stderr, flush=True)
        raise HaltServer("out of memory", KILLED)
    print(WORKER_ENDED if killed == 0 else f"{WORKER_ENDED} {PROBABLY_OUT_OF_MEMORY}", file=sys.stderr, flush=True)
    raise HaltServer("the worker ended", Arbiter.WORKER_BOOT_ERROR)


def give_up(error: BaseException) -> None:
    """Ends the worker, and through its exit code gunicorn, so that the container fails and its log says why."""
    if isinstance(error, ConfigError):
        print(f"The configuration is invalid: {error}", file=sys.stderr)
    else:
        traceback.print_exception(error)
        print("The model cannot be loaded (see the traceback above).", file=sys.stderr)
    sys.stderr.flush()
    os._exit(Arbiter.APP_LOAD_ERROR)  # in a thread, sys.exit ends only that thread


def main() -> None:
    """Serves until it is asked to stop."""
    parser = argparse.ArgumentParser(prog="inference_server", description=__doc__)
    parser.add_argument("--bind", default="0.0.0.0:8080", help="address and port to listen on")
    bind = parser.parse_args().bind
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        config = read_config(os.environ.get(CONFIG_ENV, ""))
    except ConfigError as error:
        sys.exit(f"The configuration is invalid: {error}")
    Server(config, bind).run()


if __name__ == "__main__":
    main()
