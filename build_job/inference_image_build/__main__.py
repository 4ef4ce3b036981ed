"""Runs the step named by its only argument: one of STEPS.

Each step imports its own modules: a stage starts up to four of them.
"""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from inference_image_contract import clock, inputs, paths, results
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import ExitCode
from inference_image_store import Credentials, Store, environment_secrets, to_stderr


def main(arguments: list[str]) -> ExitCode:
    """Runs one step and writes its result, success or failure, where the kubelet reads it."""
    if len(arguments) != 1 or arguments[0] not in STEPS:
        print(f"usage: python3 -m inference_image_build {'|'.join(STEPS)}", file=sys.stderr)
        return ExitCode.BAD_INPUT
    to_stderr()
    return results.run(STEPS[arguments[0]], _secrets(), clock.MARKS)


def _resolve() -> results.Result:
    from inference_image_build.registry.client import Registry
    from inference_image_build.source.pin import MOUNTS
    from inference_image_build.steps.resolve import resolve

    request = inputs.from_environment(inputs.ResolveInput)
    return resolve(request, _store(request.ufile), Registry.mounted(request.registry), MOUNTS)


def _assemble() -> results.Result:
    from inference_image_build.source.pin import MOUNTS
    from inference_image_build.steps.assemble import assemble

    request = inputs.from_environment(inputs.AssembleInput)
    return assemble(request, _store(request.ufile), Path(paths.CONTEXT), Path(paths.DOCKERFILE), MOUNTS)


def _pull() -> results.Result:
    from inference_image_build.depot.pull import pull
    from inference_image_build.depot.store import Depot
    from inference_image_build.registry import builder_login
    from inference_image_build.registry.client import Registry

    request = inputs.from_environment(inputs.PullInput)
    copies = Path(paths.NAMES)
    for name in ("/etc/hosts", "/etc/resolv.conf"):
        shutil.copyfile(name, copies / Path(name).name)
    if request.cache_host:
        builder_login.write(request.registry, request.cache_host, Path(paths.REGISTRY_AUTH), Path(paths.BUILDER_AUTH))
    return pull(request, Registry.mounted(request.registry), Path(paths.DOCKERFILE), Depot(Path(paths.DEPOT)))


def _depot() -> results.Result:
    from inference_image_build.depot.server import serve
    from inference_image_build.depot.store import Depot

    return serve(Depot(Path(paths.DEPOT)), paths.DEPOT_HOST, paths.DEPOT_PORT)


def _append() -> results.Result:
    from inference_image_build.append.step import append
    from inference_image_build.registry.client import Registry

    request = inputs.from_environment(inputs.AppendInput)
    registry = Registry.mounted(request.registry)
    return append(request, registry, Path(paths.CONTEXT), Path(paths.DOCKERFILE), Path(paths.DIGEST_FILE))


def _report() -> results.Result:
    from inference_image_build.depot.store import Depot
    from inference_image_build.registry.client import Registry
    from inference_image_build.steps.report import report

    request = inputs.from_environment(inputs.ReportInput)
    registry = Registry.mounted(request.registry)
    return report(request, registry, Path(paths.DIGEST_FILE), Depot(Path(paths.DEPOT)) if request.pushes else None)


def _sample() -> results.Result:
    from inference_image_build.steps.sample import sample

    request = inputs.from_environment(inputs.SampleInput)
    return sample(request, _store(request.ufile), Path(paths.PICTURE))


def _probe() -> results.Result:
    import msgspec

    from inference_image_build.steps.probe.response_check import Detection
    from inference_image_build.steps.probe.step import probe

    request = inputs.from_environment(inputs.ProbeInput)
    picture = Path(paths.PICTURE).read_bytes() if request.sample else b""
    graph = Path(paths.GRAPH_ANSWER).read_bytes() if request.match_graph else b"[]"
    return probe(request, _pod_address(), picture, msgspec.json.decode(graph, type=list[Detection]))


def _pod_address() -> str:
    """The pod's own address. Without it in the environment, the host name, which the kubelet maps to that address."""
    return os.environ.get(paths.POD_IP_ENV) or socket.gethostname()


def _publish() -> results.Result:
    from inference_image_build.registry.client import Registry
    from inference_image_build.steps.publish import publish

    request = inputs.from_environment(inputs.PublishInput)
    return publish(request, Registry.mounted(request.registry))


STEPS: Mapping[str, Callable[[], results.Result]] = {
    "resolve": _resolve,
    "assemble": _assemble,
    "pull": _pull,
    "depot": _depot,
    "append": _append,
    "report": _report,
    "sample": _sample,
    "probe": _probe,
    "publish": _publish,
}


def _store(location: inputs.UFile) -> Store:
    return Store(location, Credentials.from_environment())


def _secrets() -> tuple[str, ...]:
    """Every secret of this container, to redact its result and log."""
    from inference_image_build.registry.auth import read_logins, secrets
    from inference_image_build.source.git.remote import Credentials as GitCredentials

    try:
        registry = secrets(read_logins(Path(paths.REGISTRY_AUTH)))
    except StageError:  # the step itself reports what is wrong with the file
        registry = ()
    return (*environment_secrets(), *registry, *GitCredentials.mounted(Path(paths.GIT_SECRET)).secrets())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
