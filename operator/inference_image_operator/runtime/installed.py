"""Asks whether the operator works: `python3 -m inference_image_operator.runtime.installed URL [SECONDS]`.

`helm test` runs it. It needs no right beyond those of every account: whether the API server serves InferenceImages is
no secret.
"""

import asyncio
import sys
import time

import aiohttp

from inference_image_operator.kube.client import KubernetesCluster

DEADLINE = 60.0
"""Seconds in which all must be well: a new Service takes some to reach its pod."""
PAUSE = 1.0
_REQUEST_SECONDS = 5


async def faults(cluster: KubernetesCluster, url: str) -> list[str]:
    """What does not work; empty if everything does. `url` is the address of the operator's probes."""
    found = []
    if not await cluster.serves_api():
        found.append("The API server does not serve InferenceImages. Apply this version's CustomResourceDefinition.")
    for path in ("/healthz", "/readyz"):
        said = await _asked(f"{url}{path}")
        if said != "ok":
            found.append(f"The operator's {path} says: {said}. Read its log.")
    return found


async def _asked(url: str) -> str:
    """The text of the answer, or of the error."""
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SECONDS)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as answer:
            return await answer.text()
    except (aiohttp.ClientError, TimeoutError) as error:
        return str(error) or type(error).__name__


async def wait(url: str, seconds: float) -> list[str]:
    """The faults that are left when there are none or the time is over."""
    cluster = await KubernetesCluster.connect("", lambda _method, _code: None)
    ends = time.monotonic() + seconds
    try:
        found = await faults(cluster, url)
        for _ in range(int(seconds / PAUSE)):
            if not found or time.monotonic() > ends:
                break
            await asyncio.sleep(PAUSE)
            found = await faults(cluster, url)
    finally:
        await cluster.close()
    return found


def main() -> int:
    """Returns 1 after printing what does not work."""
    url, *seconds = sys.argv[1:]
    found = asyncio.run(wait(url, float(seconds[0]) if seconds else DEADLINE))
    print("\n".join(found) or "The operator runs, and the API server serves InferenceImages.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
