"""The objects of the stand-in cluster: what the operator's own functions make of runs that begin, fail and end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from inference_image_contract import results
from inference_image_contract.inputs import PinnedObject
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import rfc3339
from inference_image_operator.config.installation import Registries, Sources
from inference_image_operator.observed import Container
from tests.support.objects import document
from tests.support.world import CONFIG, RESULTS, World
from tests.unit.cli.cluster.standin import IMAGES, JOBS, NAMESPACE, PODS

Object = dict[str, Any]
HOSTILE = "</pre><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">"
PUSHING = "progress: push 148000000 of 412000000 bytes\n"
_LOG = """Traceback (most recent call last):
  File "/opt/server/main.py", line 12, in <module>
    import gevent
ModuleNotFoundError: No module named 'gevent'
"""


def objects() -> dict[str, Any]:
    """Path -> what the API server has there."""
    building = _building()
    log = f"{PODS}/{building[2][0]['metadata']['name']}/log"
    images = [_ready(), building[0], _failed(), _waiting(), _hostile()]
    named = {f"{IMAGES}/{image['metadata']['name']}": image for image in images}
    return {IMAGES: images, JOBS: building[1], PODS: building[2], log: PUSHING, **named}


def _world(name: str, **ago: float) -> World:
    allowed, hosts = Registries(allowed=("uhub.service.ucloud.cn",)), Sources(git_hosts=("git.example.com",))
    config = msgspec.structs.replace(CONFIG, registries=allowed, sources=hosts)
    world = World(uid=name, config=config, now=datetime.now(UTC).replace(microsecond=0) - timedelta(**ago))
    world.spec["image"]["repository"] = f"uhub.service.ucloud.cn/demo/{name}"
    return world


def _pinned(step: int) -> results.Resolved:
    parts = {"index": "9d2c41f07be6", "data-00000-of-00001": "51b7e0c3aa90", "meta": "e07f5c1d2298"}
    keys = {part: f"uai/object-train-output/model.ckpt-{step}.{part}" for part in parts}
    files = tuple(PinnedObject(key=keys[part], size=1 << 20, etag=etag) for part, etag in parts.items())
    return msgspec.structs.replace(RESULTS[Stage.RESOLVE], step=step, files=files, commit="3f6c2a" + "8b" * 17)


def _digest(letter: str) -> str:
    return "sha256:" + (letter + "41c7e09b25d") * 5 + "a8d3"


def _run(world: World, step: int, digest: str, seconds: tuple[int, ...]) -> None:
    """A whole run with this checkpoint, which makes an image of this digest."""
    world.settle()
    found = {
        Stage.RESOLVE: _pinned(step),
        Stage.BUILD: results.Built(digest=digest, size=412 << 20),
        Stage.PUBLISH: results.Published(digest=digest, size=412 << 20, tags=(results.MovedTag(tag="test"),)),
    }
    for stage, took in zip(Stage, seconds, strict=True):
        world.advance(seconds=took - 10)
        world.finish(found.get(stage))
        world.settle()


def _from_git(world: World) -> None:
    git = {"url": "https://git.example.com/vision/serving.git", "ref": "main"}
    world.spec["source"] = {"git": git, "dockerfile": "object-detect-cpu.Dockerfile"}


def _ready() -> Object:
    world = _world("shapes", hours=30)
    _from_git(world)
    _run(world, 150000, _digest("e"), (12, 95, 148, 31, 14))
    world.now += timedelta(hours=26)
    world.spec["model"]["checkpoint"]["step"], world.generation = 200000, 2
    _run(world, 200000, _digest("b"), (13, 92, 41, 30, 14))
    return document(world, NAMESPACE, "shapes", datetime.now(UTC) - timedelta(days=9))


def _building() -> tuple[Object, list[Object], list[Object]]:
    """One in its Build stage, with its Jobs and pods."""
    world = _world("helmets", minutes=3, seconds=20)
    begun = world.now
    _from_git(world)
    world.settle()
    for stage, took in ((Stage.RESOLVE, 14), (Stage.EXPORT, 88)):
        world.advance(seconds=took - 10)
        world.finish(_pinned(52000) if stage is Stage.RESOLVE else None)
        world.settle()
    world.set_pod(Container(name="report"))
    world.settle()
    jobs = [
        manifest | {"metadata": manifest["metadata"] | {"creationTimestamp": rfc3339(begun)}}
        for manifest in world.created
    ]
    name = world.claimed.name
    states = {
        "assemble": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        "pull": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        "depot": {"running": {}},
        "kaniko": {"terminated": {"exitCode": 0, "reason": "Completed"}},
        "report": {"running": {}},
    }
    labels = {"batch.kubernetes.io/job-name": name, "uai.ucloud.cn/stage": "Build"}
    pod = {
        "metadata": {"name": f"{name}-x2k9p", "uid": "p", "creationTimestamp": rfc3339(begun), "labels": labels},
        "spec": {"containers": [{"name": found} for found in states]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"name": found, "state": state} for found, state in states.items()],
        },
    }
    return document(world, NAMESPACE, "helmets", begun), jobs, [pod]


def _failed() -> Object:
    world = _world("traffic-signs", hours=2)
    begun = world.now
    world.run_to(Stage.TEST)
    world.advance(seconds=20)
    world.early_check = True  # its back-off is a Warning Event
    world.set_pod(
        Container(name="image", waiting="CrashLoopBackOff", exit_code=1, report=_LOG, restarts=2), phase="Pending"
    )
    world.step()
    world.step()
    world.remove_terminating()
    world.settle()
    return document(world, NAMESPACE, "traffic-signs", begun)


def _waiting() -> Object:
    world = _world("licence-plates", minutes=1)
    begun = world.now
    world.queue_position = 3
    world.settle()
    return document(world, NAMESPACE, "licence-plates", begun)


def _hostile() -> Object:
    """Every text that others write is markup."""
    found = _failed()
    found["metadata"] |= {"name": "hostile", "uid": "hostile"}
    found["spec"]["model"]["prefix"] = HOSTILE
    found["spec"]["image"]["repository"] = HOSTILE
    failure = found["status"]["lastFailure"]
    failure |= {"message": HOSTILE, "hint": HOSTILE, "logTail": f"{HOSTILE}\n{HOSTILE}"}
    for condition in found["status"]["conditions"]:
        condition["message"] = HOSTILE
    return found
