"""gunicorn's settings: one process, whose threads keep answering health checks while the model runs."""

import multiprocessing

from gunicorn.errors import HaltServer

bind = "0.0.0.0:8080"
workers = 1
worker_class = "gthread"
threads = 8
timeout = 0  # loading a large model takes long; do not kill the worker for it
graceful_timeout = 25
worker_tmp_dir = "/dev/shm"  # noqa: S108 - writable even where the root file system is not

_loaded = multiprocessing.Event()


def post_worker_init(_worker):
    """The worker has imported the application, and with it loaded the model."""
    _loaded.set()


def child_exit(_server, _worker):
    """Ends the container when the worker ends before the model is loaded: a new worker would fail again."""
    if not _loaded.is_set():
        raise HaltServer(
            "The worker ended while loading the model. It probably ran out of memory: "
            "raise the container's memory limit."
        )
