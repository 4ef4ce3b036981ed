"""The baseline of the example's server: the published tutorial's way, one picture at a time under a lock.

Same gunicorn, detector and answers; no queue, batches or metrics.
`python -m bench.serving.plain_server DIRECTORY BIND` starts it.
"""

import io
import json
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from PIL import Image

from detections import name_detections
from label_map import read_label_map
from runtimes import load_detector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

SETTINGS = {"workers": 1, "threads": 8, "worker_class": "gthread", "timeout": 0, "control_socket_disable": True}


class PlainServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, directory: Path, bind: str) -> None:
        self._directory = directory
        self._bind = bind
        super().__init__()

    def load_config(self) -> None:
        for name, value in {**SETTINGS, "bind": self._bind}.items():
            self.cfg.set(name, value)

    def load(self) -> "WSGIApplication":
        names = read_label_map(self._directory / "label_map.pbtxt")
        detector = load_detector(self._directory, len(os.sched_getaffinity(0)))
        detector.run(np.zeros((1, 64, 64, 3), np.uint8))
        lock = threading.Lock()

        def app(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            if body:
                with lock:
                    picture = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))
                    (found,) = detector.run(picture[None])
                    detections = name_detections(found.boxes, found.scores, found.classes, names, 0.5)
                answer = json.dumps({"detections": detections}).encode()
            else:
                answer = b"YES"
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
            return [answer]

        return app


if __name__ == "__main__":
    PlainServer(Path(sys.argv[1]), sys.argv[2]).run()
