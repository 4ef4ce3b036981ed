"""The control port of a stand-in in another process: JSON over HTTP. Keep it on loopback.

GET /faults          the faults that are still planned
POST /faults         adds a list of faults
DELETE /faults       removes them
PUT /objects         `{"bucket", "key", "storageClass"}`: sets the class of an object, whatever it is now
PUT /restores        `{"Expedited": seconds, "Standard": seconds}`: sets how long restores take
POST /clock          `{"advance": seconds}`: advances the clock, for restores and expiry
"""

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from devcluster.ufile.faults import Fault, FaultPlan
from devcluster.ufile.protocol.errors import UFileError
from devcluster.ufile.service import Service


class _Switch(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    bucket: str
    key: str
    storage_class: str


class _Advance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    advance: float


def application(service: Service, faults: FaultPlan) -> web.Application:
    """The web application of the control port."""

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(faults.planned()), content_type="application/json")

    async def add(request: web.Request) -> web.Response:
        faults.add(*msgspec.json.decode(await request.read(), type=list[Fault]))
        return web.Response(status=204)

    async def clear(_: web.Request) -> web.Response:
        faults.clear()
        return web.Response(status=204)

    async def switch(request: web.Request) -> web.Response:
        asked = msgspec.json.decode(await request.read(), type=_Switch)
        service.switch(asked.bucket, asked.key, asked.storage_class)
        return web.Response(status=204)

    async def restores(request: web.Request) -> web.Response:
        service.restore_seconds.update(msgspec.json.decode(await request.read(), type=dict[str, float]))
        return web.Response(status=204)

    async def advance(request: web.Request) -> web.Response:
        service.clock.advance(msgspec.json.decode(await request.read(), type=_Advance).advance)
        return web.Response(status=204)

    @web.middleware
    async def explain(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except (msgspec.DecodeError, UFileError) as error:
            raise web.HTTPBadRequest(text=str(error)) from error

    app = web.Application(middlewares=[explain])
    app.add_routes([web.get("/faults", show), web.post("/faults", add), web.delete("/faults", clear)])
    app.add_routes([web.put("/objects", switch), web.put("/restores", restores), web.post("/clock", advance)])
    return app
