"""Provokes every failure of `scenarios` in the real Kaniko executor and saves the end of its log.

Needs root: it takes a network, a mount table and process ids of its own, so the machine's hosts and ports do not
matter and nothing leaves loopback. Names of scenarios as arguments capture only those.
"""

import base64
import contextlib
import json
import os
import shlex
import shutil
import socketserver
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import requests

from devcluster import binaries
from devcluster.images import base_image, buildah, oci
from devcluster.lib.in_thread import serving
from inference_image_contract import paths
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Registries
from inference_image_operator.jobs.stages.kaniko import local_args
from tests.captures.kaniko import sandbox, scenarios
from tests.captures.kaniko.faulty import serve_front
from tests.captures.kaniko.sandbox import NAME_SERVER
from tests.captures.kaniko.scenarios import Scenario
from tests.support.registries.docker_registry import htpasswd, serve_registry
from tests.support.registries.tls import Tls, make_tls
from tests.support.registries.token_server import serve_tokens
from tests.support.world import World

OUTPUT = Path(__file__).parents[2] / "unit" / "operator" / "kaniko_logs"
AUTH = "auth.example"
ADDRESSES = {
    scenarios.REGISTRY: "127.0.0.2",
    scenarios.TOKENS: "127.0.0.3",
    AUTH: "127.0.0.4",
    scenarios.UNTRUSTED: "127.0.0.5",
    scenarios.EXPIRED: "127.0.0.6",
    scenarios.ELSEWHERE: "127.0.0.7",
    scenarios.PLAIN: "127.0.0.8",
    scenarios.CLOSED: "127.0.0.9",
    scenarios.UNREACHABLE: "192.0.2.1",
}
HTTPS = 443
BASIC_PORT, TOKEN_PORT = 5000, 5001
USER, PASSWORD = "pusher", "secret-1"


def main(names: Sequence[str]) -> None:
    """Enters new namespaces first, then captures."""
    if os.environ.get("KANIKO_CAPTURE") != "inside":
        base_image.ensure()
        binaries.ensure(binaries.KANIKO)
        unshare = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        os.environ["KANIKO_CAPTURE"] = "inside"
        os.execvp("unshare", [*unshare, sys.executable, "-m", "tests.captures.kaniko", *names])  # noqa: S606
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        capture_all([found for found in scenarios.ALL if not names or found.name in names], Path(folder))


def capture_all(wanted: Sequence[Scenario], folder: Path) -> None:
    """One file for each scenario."""
    executor = binaries.ensure(binaries.KANIKO)["executor"]
    OUTPUT.mkdir(exist_ok=True)
    tls = make_tls(folder / "tls", scenarios.REGISTRY, scenarios.TOKENS, AUTH)
    with backends(folder, tls):
        for scenario in wanted:
            faults = scenario.faults
            with serve_front(ADDRESSES[scenarios.REGISTRY], HTTPS, f"127.0.0.1:{BASIC_PORT}", faults, tls):
                args, ended = capture(scenario, folder, executor, tls)
            (OUTPUT / f"{scenario.name}.txt").write_text(_text(scenario, args, ended))
            print(f"{scenario.name}: exit code {ended.code}", flush=True)


@contextlib.contextmanager
def backends(folder: Path, tls: Tls) -> Iterator[None]:
    """The registries and the token server, with the base images."""
    users = {(USER, PASSWORD): ("pull", "push"), ("puller", "secret-2"): ("pull",)}
    basic, token = folder / "basic", folder / "token"
    for path in (basic, token):
        path.mkdir()
    with contextlib.ExitStack() as stack:
        stack.enter_context(serve_names())
        stack.enter_context(serve_registry(basic, None, htpasswd(basic, USER, PASSWORD), port=BASIC_PORT))
        tokens = stack.enter_context(serve_tokens(tls, users, host=AUTH, address=(ADDRESSES[AUTH], HTTPS)))
        stack.enter_context(serve_registry(token, None, tokens.auth(tls), port=TOKEN_PORT))
        for host, own, upstream in (
            (scenarios.TOKENS, tls, TOKEN_PORT),
            (scenarios.UNTRUSTED, make_tls(folder / "untrusted", scenarios.UNTRUSTED), BASIC_PORT),
            (scenarios.EXPIRED, make_tls(folder / "expired", scenarios.EXPIRED, days=-2), BASIC_PORT),
            (scenarios.ELSEWHERE, make_tls(folder / "elsewhere", "another.example"), BASIC_PORT),
            (scenarios.PLAIN, None, BASIC_PORT),
        ):
            stack.enter_context(serve_front(ADDRESSES[host], HTTPS, f"127.0.0.1:{upstream}", (), own))
        push_bases(folder)
        yield


@contextlib.contextmanager
def serve_names() -> Iterator[None]:
    """A name server without any names; existing hosts are in the sandbox's hosts file."""
    with serving(socketserver.UDPServer((NAME_SERVER, 53), _NoName)):
        yield


class _NoName(socketserver.BaseRequestHandler):
    """Answers NXDOMAIN (RFC 1035): repeats the question as a reply with code 3."""

    def handle(self) -> None:
        question, socket = self.request
        socket.sendto(question[:2] + b"\x81\x83" + question[4:6] + bytes(6) + question[12:], self.client_address)


def push_bases(folder: Path) -> None:
    """A tiny image, a distribution, and an index without amd64."""
    (folder / "file").write_text("base\n")
    small = folder / "small"
    oci.write_layout(small, "small:1", oci.layer_of({"etc/base": folder / "file"}), {"Env": ["PATH=/usr/bin:/bin"]})
    auth = folder / "auth.json"
    auth.write_text(_docker_config(f"127.0.0.1:{BASIC_PORT}", USER, PASSWORD))
    for layout, path in ((small, "base/small:1"), (base_image.ensure(), "base/system:1")):
        target = f"docker://127.0.0.1:{BASIC_PORT}/{path}"
        subprocess.run(
            ["skopeo", f"--policy={buildah.POLICY}", "copy", "--quiet", "--dest-tls-verify=false",
             f"--dest-authfile={auth}", f"oci:{layout}", target],
            check=True,
        )  # fmt: skip
    _push_arm(oci.digest(small))


def _push_arm(digest: str) -> None:
    api = f"http://127.0.0.1:{BASIC_PORT}/v2/base"
    with requests.Session() as session:
        session.trust_env, session.auth = False, (USER, PASSWORD)
        manifest = session.get(f"{api}/small/manifests/{digest}", headers={"Accept": oci.MANIFEST_TYPE}).content
        for blob in (json.loads(manifest)["config"], *json.loads(manifest)["layers"]):
            query = {"mount": blob["digest"], "from": "base/small"}
            session.post(f"{api}/arm/blobs/uploads/", params=query).raise_for_status()
        session.put(
            f"{api}/arm/manifests/{digest}", data=manifest, headers={"Content-Type": oci.MANIFEST_TYPE}
        ).raise_for_status()
        entry = {"mediaType": oci.MANIFEST_TYPE, "digest": digest, "size": len(manifest)}
        kind = "application/vnd.oci.image.index.v1+json"
        index = {"schemaVersion": 2, "mediaType": kind}
        index["manifests"] = [entry | {"platform": {"os": "linux", "architecture": "arm64"}}]
        session.put(f"{api}/arm/manifests/1", json=index, headers={"Content-Type": kind}).raise_for_status()


def capture(scenario: Scenario, folder: Path, executor: Path, tls: Tls) -> tuple[list[str], sandbox.Ended]:
    """Runs the operator's command line; returns it and how it ended."""
    args = arguments(scenario)
    with sandbox.root(folder, executor, ADDRESSES, scenario.size_mib) as place:
        context = place / paths.CONTEXT.lstrip("/")
        (context / "code").mkdir(parents=True)
        (context / "code/infer.py").write_text("print('hello')\n")
        if scenario.weights_mib:
            weights = context / "code/frozen_inference_graph.pb"
            with weights.open("wb") as file:
                for _ in range(scenario.weights_mib):
                    file.write(os.urandom(1024**2))
        (place / paths.DOCKERFILE.lstrip("/")).write_text(scenario.dockerfile)
        host = scenario.target.partition("/")[0]
        auths = json.loads(_docker_config(scenarios.REGISTRY, USER, PASSWORD))
        auths["auths"] |= json.loads(_docker_config(host, scenario.user, scenario.password))["auths"]
        (place / "kaniko/.docker/config.json").write_text(json.dumps(auths))
        ca = place / paths.REGISTRY_CA.lstrip("/")
        ca.parent.mkdir(parents=True)
        shutil.copy(tls.ca, ca)
        return args, sandbox.execute(place, args, memory_mib=scenario.memory_mib, stop_after=scenario.stop_after)


def arguments(scenario: Scenario) -> list[str]:
    """The operator's command line for such an image."""
    world = World()
    allowed = ("uhub.devcluster.test", scenarios.UNKNOWN, *ADDRESSES)
    world.config = msgspec.structs.replace(
        world.config, registries=Registries(allowed=allowed, mirrors=scenario.mirrors)
    )
    world.spec["image"] |= {"repository": scenario.target}
    world.run_to(Stage.BUILD)
    return local_args(world.observed(), world.status, world.config)


def _docker_config(host: str, user: str, password: str) -> str:
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    return json.dumps({"auths": {host: {"auth": auth}}})


def _text(scenario: Scenario, args: Sequence[str], ended: sandbox.Ended) -> str:
    command = [arg for arg in args if not arg.startswith(("--registry-certificate", "--label"))]
    said = {"Dockerfile": scenario.dockerfile, "command": shlex.join(["executor", *command]), "exit code": ended.code}
    said |= {"memory limit": f"{scenario.memory_mib} MiB"} if scenario.memory_mib else {}
    said |= {"disk": f"{scenario.size_mib} MiB"} if scenario.size_mib != Scenario("").size_mib else {}
    for fault in scenario.faults:
        said["the registry answers"] = f"{fault.method} {fault.path}: {fault.status or 'nothing'} {fault.body!r}"
    head = ["Made by `make capture-kaniko-logs`: the end of the log as a termination message keeps it."]
    head += [f"{key}: {value!r}" if key == "Dockerfile" else f"{key}: {value}" for key, value in said.items()]
    return "".join(f"# {line}\n" for line in head) + "---\n" + ended.tail


if __name__ == "__main__":
    main(sys.argv[1:])
