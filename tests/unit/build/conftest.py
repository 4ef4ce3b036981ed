"""What the tests of the build steps share: real registries on loopback, the UFile stand-in, a pipeline's files."""

import base64
import contextlib
import hashlib
import http.server
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
import requests

from devcluster.lib import ports
from devcluster.lib.in_thread import serving
from devcluster.ufile import KeyPair, StandIn, running
from devcluster.ufile.storage.disk import About
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_build.source.pin import Mounts
from inference_image_contract import inputs, registry_names
from inference_image_store import Credentials, Store
from tests.support.image_tables import index
from tests.support.registries.docker_registry import RegistryServer, htpasswd, serve_registry
from tests.support.registries.tls import Tls, make_tls
from tests.support.registries.token_server import TokenServer, serve_tokens
from tests.support.registries.uhub import USER, Uhub, serve_uhub

PUBLIC_KEY, PRIVATE_KEY = "TOKEN_public_1", "canary-private-key-1"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "on_disk: the test looks at the files of `registry_server`")


# --- certificates ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def foreign_tls(tmp_path_factory) -> Tls:
    """A CA that the registries do not use."""
    return make_tls(tmp_path_factory.mktemp("foreign-tls"))


@pytest.fixture(scope="session")
def elsewhere_tls(tmp_path_factory) -> Tls:
    """A certificate for a host name other than loopback."""
    return make_tls(tmp_path_factory.mktemp("elsewhere-tls"), "elsewhere.example")


# --- registries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def unused_port() -> int:
    """A port of loopback where nothing listens."""
    return ports.reserve(1)[0]


@pytest.fixture
def registry_server(request) -> RegistryServer:
    """A registry with basic authentication. A test that is marked `on_disk` can read and damage its files."""
    return request.getfixturevalue("_on_disk" if request.node.get_closest_marker("on_disk") else "_in_memory")


@pytest.fixture(scope="session")
def _in_memory(tmp_path_factory, tls) -> Iterator[RegistryServer]:
    with _registry(tmp_path_factory.mktemp("registry"), tls, on_disk=False) as server:
        yield server


@pytest.fixture(scope="session")
def _on_disk(tmp_path_factory, tls) -> Iterator[RegistryServer]:
    with _registry(tmp_path_factory.mktemp("registry"), tls, on_disk=True) as server:
        yield server


@contextlib.contextmanager
def _registry(folder: Path, tls: Tls, *, on_disk: bool) -> Iterator[RegistryServer]:
    user, password = "demo@example.com", "canary:registry-password"
    auth = htpasswd(folder, user, password)
    with serve_registry(folder, tls, auth, on_disk=on_disk) as host, requests.Session() as session:
        session.trust_env = False  # the environment may name another bundle of authorities
        session.auth, session.verify = (user, password), str(tls.ca)
        yield RegistryServer(host, tls, folder / "data", user, password, session)


@dataclass
class TokenRegistry:
    """A registry with token authentication, and its token server."""

    host: str
    tls: Tls
    tokens: TokenServer

    @property
    def scopes(self) -> list[str]:
        """The scopes requested so far."""
        return self.tokens.scopes


@pytest.fixture(scope="session")
def token_registry(tmp_path_factory, tls) -> Iterator[TokenRegistry]:
    """Users: `pusher` may pull and push, `puller` may only pull, nobody else anything."""
    users = {("pusher", "secret-1"): ("pull", "push"), ("puller", "secret-2"): ("pull",)}
    folder = tmp_path_factory.mktemp("token-registry")
    with serve_tokens(tls, users) as tokens, serve_registry(folder, tls, tokens.auth(tls), on_disk=False) as host:
        yield TokenRegistry(host, tls, tokens)


@pytest.fixture
def connect(tmp_path) -> Callable[..., Registry]:
    """connect(host, user, password, ca=...) -> our client with that docker config.json."""

    def make(host: str, user: str = "", password: str = "", *, ca: Path, **limits) -> Registry:
        auth = base64.b64encode(f"{user}:{password}".encode()).decode()
        config = tmp_path / f"config-{secrets.token_hex(4)}.json"
        config.write_text(json.dumps({"auths": {host: {"auth": auth}} if user else {}}))
        return Registry(inputs.Registry(repository=f"{host}/any", **limits), config, ca, backoff=0.001)

    return make


@pytest.fixture
def registry(registry_server, connect) -> Registry:
    """Our client, with the right credentials."""
    server = registry_server
    return connect(server.host, server.user, server.password, ca=server.tls.ca)


@pytest.fixture
def repository(registry_server) -> ImageReference:
    """A repository that no other test uses."""
    return ImageReference(registry_server.host, f"demo/test-{secrets.token_hex(6)}", "latest", "")


# --- plain HTTP servers ----------------------------------------------------------------------------------------------


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """serve(handle) -> port. `handle(request)` gets the handler object and writes the answer itself."""
    with contextlib.ExitStack() as stack:

        def start(
            handle: Callable[[http.server.BaseHTTPRequestHandler], None],
            port: int = 0,
            tls: Tls | None = None,
            host: str = "127.0.0.1",
        ) -> int:
            class Handler(http.server.BaseHTTPRequestHandler):
                def _handle(self):
                    with contextlib.suppress(ConnectionError):  # the client under test may leave first
                        handle(self)

                do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server looks for these names

                def log_message(self, format, *args):  # noqa: A002 - the name of the base class
                    """Keeps the test output clean."""

            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            server_type = type("Server", (http.server.ThreadingHTTPServer,), {"address_family": family})
            server = server_type((host, port), Handler)
            if tls:
                server.socket = tls.context().wrap_socket(server.socket, server_side=True)
            return stack.enter_context(serving(server)).server_port

        yield start


# --- UFile and a pipeline's files ------------------------------------------------------------------------------------


@pytest.fixture
def ufile(tmp_path) -> Iterator[StandIn]:
    with running(tmp_path / "ufile", [KeyPair(PUBLIC_KEY, PRIVATE_KEY)]) as stand_in:
        yield stand_in


def place(stand_in: StandIn, key: str, data: bytes) -> None:
    """Stores an object as our client does, without its three requests."""
    bucket = stand_in.service.bucket(stand_in.bucket)
    with bucket.receive() as incoming:
        incoming.write(data)
        bucket.commit(key, incoming, About(metadata={"sha256": hashlib.sha256(data).hexdigest()}))


@pytest.fixture
def location(ufile) -> inputs.UFile:
    return inputs.UFile(bucket=ufile.bucket, scheme="http", suffix=ufile.suffix)


@pytest.fixture
def store(location) -> Store:
    return Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY), first_pause=0.01)


@pytest.fixture
def mounts(tmp_path) -> Mounts:
    """A pod that mounts only scratch space."""
    return Mounts(tmp_path / "no-config-map", tmp_path / "no-git-secret", tmp_path / "download")


CONFIG = (Path(__file__).parents[3] / "examples/object-detect/training/pipeline.config").read_text("utf-8")
LABEL_MAP = "".join(f"item {{\n  id: {i}\n  name: '{name}'\n}}\n" for i, name in enumerate(("disc", "box", "star"), 1))


@dataclass(frozen=True)
class Pipeline:
    """The tutorial's files in UFile, a base image in a registry, and the input that names them."""

    store: Store
    request: inputs.ResolveInput
    base_digest: str

    def input(self, **changes) -> inputs.ResolveInput:
        return msgspec.structs.replace(self.request, **changes)


@pytest.fixture
def pipeline(ufile, store, location, registry_server, repository) -> Pipeline:
    base = f"{repository.path}-base"
    digest = registry_server.push_image(base, "1", b"base layer")
    dockerfile = f"ARG BASE={registry_server.host}/{base}:1\nFROM ${{BASE}}\nADD code /code\n"
    for key, data in {
        "uai/object-train-output/model.ckpt-800.index": index(len(b"weights")),
        "uai/object-train-output/model.ckpt-800.data-00000-of-00001": b"weights",
        "uai/object-train-output/model.ckpt-800.meta": b"meta",
        "uai/object-train-output/model.ckpt-400.index": b"older",
        "uai/object-train-output/pipeline.config": CONFIG.encode(),
        "uai/object-prep-output/label_map.pbtxt": LABEL_MAP.encode(),
        "uai/object-detect/object-detect-cpu.Dockerfile": dockerfile.encode(),
        "uai/object-detect/object-detect.conf": b"{}",
        "uai/object-detect/code/infer.py": b"print()\n",
        "uai/samples/shapes.png": b"picture",
    }.items():
        place(ufile, key, data)
    request = inputs.ResolveInput(
        ufile=location,
        prefix="uai/object-train-output/",
        step=800,
        pipeline_config="pipeline.config",
        label_map="uai/object-prep-output/label_map.pbtxt",
        input_type="image_tensor",
        output_prefix="uai/object-export-output/",
        source_prefix="uai/object-detect/",
        dockerfile="object-detect-cpu.Dockerfile",
        checkpoint_dir="code/checkpoint_dir",
        registry=inputs.Registry(repository=repository.repository),
        sample="uai/samples/shapes.png",
    )
    return Pipeline(store, request, digest)


# --- UHub ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def uhub(tmp_path, tls, monkeypatch) -> Iterator[Uhub]:
    """The stand-in of UHub, whose two names replace UHub's names in the product."""
    with serve_uhub(tmp_path / "uhub", tls) as found:
        monkeypatch.setattr(registry_names, "UHUB", (found.inside, found.outside))
        yield found


@pytest.fixture
def uhub_where(uhub) -> Callable[..., inputs.Registry]:
    """uhub_where(repository, **limits) -> the registry input of a Job in an installation inside UCloud."""

    def make(repository: str, *others: str, **limits) -> inputs.Registry:
        return inputs.Registry(
            repository=repository,
            additional_repositories=others,
            allowed_hosts=(uhub.inside, uhub.outside),
            aliases=((uhub.inside, uhub.outside),),
            limits=(inputs.RegistryLimit(host=uhub.inside, **limits),),
        )

    return make


@pytest.fixture
def uhub_client(uhub, uhub_where, tmp_path) -> Callable[..., Registry]:
    """uhub_client(host: password, ...) -> our client with the logins of these hosts."""

    def make(logins: dict[str, str]) -> Registry:
        auths = {host: {"auth": base64.b64encode(f"{USER}:{word}".encode()).decode()} for host, word in logins.items()}
        config = tmp_path / f"config-{secrets.token_hex(4)}.json"
        config.write_text(json.dumps({"auths": auths}))
        return Registry(uhub_where(f"{uhub.inside}/demo/any"), config, uhub.tls.ca, backoff=0.001)

    return make
