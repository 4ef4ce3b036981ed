"""Liveness and readiness for the kubelet, and the metrics for Prometheus."""

import time
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4

LIVE_SECONDS = 60


class Health:
    """The state behind the probes: a heartbeat of the event loop, and whether kopf watches the CRD."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._beat = clock()
        self.watching: Callable[[], bool] = lambda: False
        """Whether kopf has started its watches."""

    def beat(self) -> None:
        """Records a heartbeat of the event loop."""
        self._beat = self._clock()

    @property
    def live(self) -> bool:
        """Whether the last heartbeat is less than a minute old."""
        return self._clock() - self._beat < LIVE_SECONDS

    async def serve(self, port: int, metrics: Callable[[], bytes]) -> web.AppRunner:
        """Serves `/healthz`, `/readyz` and `/metrics` until the caller cleans the runner up."""

        async def scrape(_: web.Request) -> web.Response:
            return web.Response(body=metrics(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

        app = web.Application()
        routes = {"/healthz": self._healthz, "/readyz": self._readyz, "/metrics": scrape}
        app.add_routes([web.get(path, handler) for path, handler in routes.items()])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()
        return runner

    async def _healthz(self, _: web.Request) -> web.Response:
        return _answer(self.live)

    async def _readyz(self, _: web.Request) -> web.Response:
        return _answer(self.live and self.watching())


def _answer(good: bool) -> web.Response:  # noqa: FBT001 - a private function with one argument
    return web.Response(text="ok" if good else "not ok", status=200 if good else 503)
