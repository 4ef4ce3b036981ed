"""What the tests of the build steps share: real registries on loopback, the UFile stand-in, a pipeline's files."""

import base64
import contextlib
import datetime as dt
import hashlib
import http.server
import json
import secrets
import socket
import ssl
import subprocess
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import msgspec
import pytest
import requests
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from devcluster import ports
from devcluster.ufile import KeyPair, StandIn, running
from inference_image_build.references import ImageReference
from inference_image_build.registry import MANIFEST_TYPES, Registry
from inference_image_contract import inputs
from inference_image_store import Credentials, Store
from tests.unit.build.tables import index

DEADLINE = 15.0
PUBLIC_KEY, PRIVATE_KEY = "TOKEN_public_1", "canary-private-key-1"


# --- certificates ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tls:
    """A CA and a certificate of it for loopback, as files."""

    ca: Path
    certificate: Path
    key: Path
    private_key: ec.EllipticCurvePrivateKey

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def x5c(self) -> list[str]:
        """The certificate as a JWT's header carries it."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        return [base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()]


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=ca, crl_sign=ca, **usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost" if ca else subject)]),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )


def make_tls(folder: Path, name: str = "localhost") -> Tls:
    folder.mkdir(parents=True, exist_ok=True)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test CA")])
    pem = serialization.Encoding.PEM
    (folder / "ca.crt").write_bytes(_certificate("test CA", ca_key, issuer, ca_key, ca=True).public_bytes(pem))
    (folder / "tls.crt").write_bytes(_certificate(name, key, issuer, ca_key, ca=False).public_bytes(pem))
    (folder / "tls.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Tls(folder / "ca.crt", folder / "tls.crt", folder / "tls.key", key)


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def foreign_tls(tmp_path_factory) -> Tls:
    """A CA that the registries know nothing of."""
    return make_tls(tmp_path_factory.mktemp("foreign-tls"))


@pytest.fixture(scope="session")
def elsewhere_tls(tmp_path_factory) -> Tls:
    """A certificate for a name that is not loopback's."""
    return make_tls(tmp_path_factory.mktemp("elsewhere-tls"), "elsewhere.example")


# --- registries ------------------------------------------------------------------------------------------------------


@dataclass
class RegistryServer:
    """A running docker-registry, and what a test puts there over its HTTP API."""

    host: str
    tls: Tls
    data: Path
    user: str
    password: str
    session: requests.Session

    def _url(self, path: str) -> str:
        return f"https://{self.host}/v2/{path}"

    def push_blob(self, repository: str, data: bytes) -> dict[str, object]:
        """Uploads a blob; its descriptor."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        start = self.session.post(self._url(f"{repository}/blobs/uploads/"))
        assert start.status_code == 202, start.text
        location = start.headers["Location"]
        done = self.session.put(f"{location}{'&' if '?' in location else '?'}digest={digest}", data=data)
        assert done.status_code == 201, done.text
        return {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": len(data), "digest": digest}

    def push_manifest(self, repository: str, tag: str, document: dict[str, object], media_type: str) -> str:
        data = json.dumps(document).encode()
        tag = tag or f"sha256:{hashlib.sha256(data).hexdigest()}"
        reply = self.session.put(
            self._url(f"{repository}/manifests/{tag}"), data=data, headers={"Content-Type": media_type}
        )
        assert reply.status_code == 201, reply.text
        return reply.headers["Docker-Content-Digest"]

    def push_image(self, repository: str, tag: str, content: bytes = b"layer") -> str:
        """Pushes a small image; its digest. An empty tag pushes by digest only."""
        config = self.push_blob(repository, b'{"architecture":"amd64","os":"linux"}')
        layer = self.push_blob(repository, content)
        document = {"schemaVersion": 2, "mediaType": MANIFEST_TYPES[0], "layers": [layer]}
        document["config"] = config | {"mediaType": "application/vnd.oci.image.config.v1+json"}
        return self.push_manifest(repository, tag, document, MANIFEST_TYPES[0])

    def digest(self, repository: str, tag: str) -> str:
        """What a tag points at, empty when there is none: asked without our own client."""
        accept = {"Accept": ", ".join(MANIFEST_TYPES)}
        reply = self.session.get(self._url(f"{repository}/manifests/{tag}"), headers=accept)
        return reply.headers["Docker-Content-Digest"] if reply.ok else ""


def _wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.02)
    pytest.fail(f"docker-registry does not listen: {log.read_text()}")


@pytest.fixture
def unused_port() -> int:
    """A port of loopback where nothing listens."""
    return ports.reserve(1)[0]


@contextlib.contextmanager
def serve_registry(folder: Path, tls: Tls, auth: dict[str, object]) -> Iterator[str]:
    """Runs Debian's docker-registry with TLS on a free port of loopback; its host."""
    (port,) = ports.reserve(1)
    config = {
        "version": "0.1",
        "log": {"level": "warn"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": {
            "addr": f"127.0.0.1:{port}",
            "secret": secrets.token_hex(8),
            "tls": {"certificate": str(tls.certificate), "key": str(tls.key)},
        },
        "auth": auth,
    }
    (folder / "config.yml").write_text(yaml.safe_dump(config))
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=output, stderr=output
        )
    try:
        _wait_for_port(port, process, log)
        yield f"localhost:{port}"
    finally:
        process.terminate()
        process.wait(DEADLINE)


@pytest.fixture(scope="session")
def registry_server(tmp_path_factory, tls) -> Iterator[RegistryServer]:
    """A registry with basic authentication."""
    folder = tmp_path_factory.mktemp("registry")
    user, password = "demo@example.com", "canary:registry-password"
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    (folder / "htpasswd").write_text(f"{user}:{hashed}\n")
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with serve_registry(folder, tls, auth) as host, requests.Session() as session:
        session.trust_env = False  # the environment may name another bundle of authorities
        session.auth, session.verify = (user, password), str(tls.ca)
        yield RegistryServer(host, tls, folder / "data", user, password, session)


class TokenServer(http.server.BaseHTTPRequestHandler):
    """Grants tokens as the registry's token specification says, to the users of the class."""

    def do_GET(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        kind, _, user, password = (*self._login(),)
        allowed = self.server.users.get((user, password)) if kind else ()
        if allowed is None:
            self._reply(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            return
        access = []
        for scope in query.get("scope", ()):
            resource, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            granted = [action for action in actions.split(",") if action in allowed]
            access.append({"type": resource, "name": name, "actions": granted})
        self.server.scopes.append(query.get("scope", [""])[0])
        self._reply(200, {"token": self._token(access), "expires_in": 60})

    def _login(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        user, _, password = base64.b64decode(value).decode().partition(":")
        return kind, value, user, password

    def _token(self, access) -> str:
        def part(data: bytes) -> bytes:
            return base64.urlsafe_b64encode(data).rstrip(b"=")

        now = int(time.time())
        header = {"typ": "JWT", "alg": "ES256", "x5c": self.server.tls.x5c()}
        claims = {"iss": "test issuer", "sub": "", "aud": "test service", "access": access, "jti": secrets.token_hex(8)}
        claims |= {"exp": now + 60, "nbf": now - 5, "iat": now}
        signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
        signature = self.server.tls.private_key.sign(signed, ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(signature)
        return (signed + b"." + part(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()

    def _reply(self, status: int, document: dict[str, object]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the test output clean."""


@dataclass
class TokenRegistry:
    """A registry with token authentication; `scopes` are those that were asked for so far."""

    host: str
    tls: Tls
    scopes: list[str]


@pytest.fixture(scope="session")
def token_registry(tmp_path_factory, tls) -> Iterator[TokenRegistry]:
    """Users: `pusher` may pull and push, `puller` may only pull, nobody else anything."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), TokenServer) as server:
        server.socket = tls.context().wrap_socket(server.socket, server_side=True)
        server.tls, server.scopes = tls, []
        server.users = {("pusher", "secret-1"): ("pull", "push"), ("puller", "secret-2"): ("pull",)}
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        token = {
            "realm": f"https://localhost:{server.server_port}/token",
            "service": "test service",
            "issuer": "test issuer",
            "rootcertbundle": str(tls.ca),
        }
        try:
            with serve_registry(tmp_path_factory.mktemp("token-registry"), tls, {"token": token}) as host:
                yield TokenRegistry(host, tls, server.scopes)
        finally:
            server.shutdown()
            thread.join(DEADLINE)


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
            handle: Callable[[http.server.BaseHTTPRequestHandler], None], port: int = 0, tls: Tls | None = None
        ) -> int:
            class Handler(http.server.BaseHTTPRequestHandler):
                def _handle(self):
                    with contextlib.suppress(ConnectionError):  # the client under test may leave first
                        handle(self)

                do_GET = do_POST = do_PUT = do_DELETE = _handle  # noqa: N815 - http.server looks for these names

                def log_message(self, format, *args):  # noqa: A002 - the name of the base class
                    """Keeps the test output clean."""

            server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler))
            if tls:
                server.socket = tls.context().wrap_socket(server.socket, server_side=True)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join, DEADLINE)
            stack.callback(server.shutdown)
            return server.server_port

        yield start


# --- UFile and a pipeline's files ------------------------------------------------------------------------------------


@pytest.fixture
def ufile(tmp_path) -> Iterator[StandIn]:
    with running(tmp_path / "ufile", [KeyPair(PUBLIC_KEY, PRIVATE_KEY)]) as stand_in:
        yield stand_in


@pytest.fixture
def location(ufile) -> inputs.UFile:
    return inputs.UFile(bucket=ufile.bucket, scheme="http", suffix=ufile.suffix)


@pytest.fixture
def store(location) -> Store:
    return Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY), first_pause=0.01)


CONFIG = (Path(__file__).parents[3] / "examples/object-detect/training/pipeline.config").read_text("utf-8")
LABEL_MAP = "".join(f"item {{\n  id: {i}\n  name: '{name}'\n}}\n" for i, name in enumerate(("disc", "box", "star"), 1))


@dataclass(frozen=True)
class Pipeline:
    """The tutorial's files in UFile, a base image in a registry, and the input that names them."""

    store: Store
    stage: inputs.ResolveInput
    base_digest: str

    def input(self, **changes) -> inputs.ResolveInput:
        return msgspec.structs.replace(self.stage, **changes)


@pytest.fixture
def pipeline(store, location, registry_server, repository) -> Pipeline:
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
        store.write(data, key)
    stage = inputs.ResolveInput(
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
    return Pipeline(store, stage, digest)
