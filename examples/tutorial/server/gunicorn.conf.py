"""How gunicorn serves: one process, whose threads keep answering health checks while the model works."""

import multiprocessing

from gunicorn.errors import HaltServer

bind = "0.0.0.0:8080"
workers = 1
worker_class = "gthread"
threads = 8
timeout = 0  # loading a large model takes long, and is no reason to end the worker
graceful_timeout = 25
worker_tmp_dir = "/dev/shm"  # noqa: S108 - writable even where the root file system is not

_loaded = multiprocessing.Event()


def post_worker_init(_worker):
    """The worker has imported the application, and with it loaded the model."""
    _loaded.set()


def child_exit(_server, _worker):
    """Ends the container where the worker ended before it had loaded: it would end again, and again."""
    if not _loaded.is_set():
        raise HaltServer(
            "The worker was ended while it loaded the model, most likely for want of memory: "
            "raise the container's memory limit."
        )
