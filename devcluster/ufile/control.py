"""The control port: faults of a stand-in in another process, as JSON over HTTP. Keep it on loopback.

GET /faults      the faults still planned
POST /faults     adds a list of faults
DELETE /faults   forgets them
"""

import msgspec
from aiohttp import web

from devcluster.ufile.faults import Fault, FaultPlan


def application(faults: FaultPlan) -> web.Application:
    """The web application of the control port."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(faults.planned()), content_type="application/json")

    async def add(request: web.Request) -> web.Response:
        try:
            faults.add(*msgspec.json.decode(await request.read(), type=list[Fault]))
        except msgspec.DecodeError as error:
            raise web.HTTPBadRequest(text=str(error)) from error
        return web.Response(status=204)

    async def clear(_: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    app = web.Application()
    app.add_routes([web.get("/faults", show), web.post("/faults", add), web.delete("/faults", clear)])
    return app
