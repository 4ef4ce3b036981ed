"""`dashboard`: serves the page until it is interrupted."""

import sys
import webbrowser
from pathlib import Path

from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.dashboard.answers import Answers
from kubectl_inferenceimage.cluster.dashboard.pictures import Pictures
from kubectl_inferenceimage.cluster.dashboard.server import Dashboard

_NOTE = "Whoever has this address sees what you may see, as long as this runs. Ctrl-C ends it."


def dashboard(cluster: Cluster, port: int, pictures: str, *, everywhere: bool, browser: bool) -> None:
    """Prints the page's address and serves it until Ctrl-C. With `browser`, opens it. `pictures` is a folder.

    Raises OSError if the port is taken.
    """
    with Dashboard(Answers(cluster, everywhere, Pictures(Path(pictures))), port) as server:
        print(server.address, flush=True)
        print(_NOTE, file=sys.stderr, flush=True)
        if browser:
            webbrowser.open(server.address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print(file=sys.stderr)
