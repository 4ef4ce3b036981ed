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

from inference_server.app import create_app
from inference_server.config import CONFIG_ENV, ConfigError, ServiceConfig, read_config
from inference_server.model import create_model
from inference_server.service import Service

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

SETTINGS = {
    "workers": 1,  # one process holds the model; TensorFlow uses the other cores itself
    "threads": 8,  # `/initialized` is answered while requests wait for the model
    "worker_class": "gthread",
    "worker_tmp_dir": "/dev/shm",  # noqa: S108 - writable in every container, even with a read-only root file system
    "timeout": 0,  # loading may hold the interpreter for seconds; whether the service lives is the kubelet's question
    "graceful_timeout": 25,  # under Kubernetes' default grace period of 30 s
    "control_socket_disable": True,
}


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, with the model loaded in its worker."""

    def __init__(self, service: ServiceConfig, bind: str) -> None:
        self._service = service
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        """Called by gunicorn: our settings, and none from its command line or environment."""
        for name, value in {**SETTINGS, "bind": self._bind}.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        """Called by gunicorn in the worker: answers at once while the model loads."""
        service = Service(partial(create_model, self._service), give_up)
        service.start()
        return create_app(service)


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
