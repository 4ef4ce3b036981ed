"""Runs the stand-in: `python -m devcluster.ufile --port 9000 --data DIR --keys FILE --bucket NAME`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from aiohttp import web

from devcluster.ufile import control
from devcluster.ufile.faults import FaultPlan
from devcluster.ufile.protocol import accounts
from devcluster.ufile.running import listen
from devcluster.ufile.server import Handler
from devcluster.ufile.service import Service


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m devcluster.ufile", description="A stand-in for US3.")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="port to listen on (default: %(default)s)")
    parser.add_argument("--control-port", type=int, help="control port on 127.0.0.1, see control.py (default: none)")
    parser.add_argument("--data", type=Path, required=True, help="folder of the objects; they survive restarts")
    parser.add_argument("--keys", type=Path, required=True, help="JSON list of key pairs, see accounts.KeyPair")
    parser.add_argument(
        "--bucket", action="append", default=[], help="bucket to create (repeatable); buckets in DIR are kept"
    )
    return parser.parse_args(argv)


async def serve(options: argparse.Namespace) -> None:
    """Serves until SIGTERM or SIGINT."""
    options.data.mkdir(parents=True, exist_ok=True)
    buckets = {path.name for path in options.data.iterdir() if path.is_dir()} | set(options.bucket)
    faults = FaultPlan()
    service = Service(options.data, sorted(buckets), accounts.load(options.keys))
    runners: list[web.BaseRunner] = [await listen(Handler(service, faults), options.address, options.port)]
    if options.control_port is not None:
        control_runner = web.AppRunner(control.application(service, faults))
        await control_runner.setup()
        await web.TCPSite(control_runner, "127.0.0.1", options.control_port).start()
        runners.append(control_runner)
    print(f"UFile stand-in on {options.address}:{options.port}, buckets: {', '.join(sorted(buckets))}", flush=True)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    for runner in runners:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(arguments(sys.argv[1:])))
