"""A token server after the registry's token specification: ES256, the certificate in `x5c`.

https://distribution.github.io/distribution/spec/auth/token/
"""

import base64
import contextlib
import http.server
import json
import secrets
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from devcluster.lib.in_thread import serving
from tests.support.registries.tls import Tls

ISSUER, SERVICE = "test issuer", "test service"
LIFETIME = 60

Access = list[dict[str, object]]


@dataclass
class TokenServer:
    """A running token server; a test sets its attributes and reads its requests.

    `users` maps (user, password) to the actions that this user can get.
    """

    url: str
    users: Mapping[tuple[str, str], tuple[str, ...]]
    scopes: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    lifetimes: list[int] = field(default_factory=list)
    """Lifetimes of the next tokens in seconds; later tokens have `LIFETIME`."""
    rescope: Callable[[Access], Access] | None = None
    """Changes the granted actions."""

    def auth(self, tls: Tls) -> dict[str, object]:
        """The section `auth` of a docker-registry that trusts this server."""
        return {"token": {"realm": self.url, "service": SERVICE, "issuer": ISSUER, "rootcertbundle": str(tls.ca)}}


@contextlib.contextmanager
def serve_tokens(
    tls: Tls,
    users: Mapping[tuple[str, str], tuple[str, ...]],
    *,
    host: str = "localhost",
    address: tuple[str, int] = ("127.0.0.1", 0),
) -> Iterator[TokenServer]:
    """Grants tokens at `https://host:port/token`."""
    server = http.server.ThreadingHTTPServer(address, _Handler)
    server.socket = tls.context().wrap_socket(server.socket, server_side=True)
    found = TokenServer(f"https://{host}:{server.server_port}/token", users)
    server.tls, server.found = tls, found
    with serving(server):
        yield found


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = self.server.found
        header = self.headers.get("Authorization", "")
        found.authorizations.append(header)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        found.scopes.append(query.get("scope", [""])[0])
        allowed = found.users.get(_login(header)) if header else ()
        if allowed is None:
            self._reply(401, {"errors": [{"code": "UNAUTHORIZED"}]})
            return
        access: Access = []
        for scope in query.get("scope", ()):
            resource, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            may = [action for action in actions.split(",") if action in allowed]
            access.append({"type": resource, "name": name, "actions": may})
        granted = found.rescope(access) if found.rescope else access
        lifetime = found.lifetimes.pop(0) if found.lifetimes else LIFETIME
        self._reply(200, {"token": _token(self.server.tls, granted, lifetime), "expires_in": lifetime})

    def do_POST(self):
        """Rejects OAuth2 requests, so that clients fall back to GET."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._reply(404, {})

    def _reply(self, status: int, document: dict[str, object]) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the output clean."""


def _login(header: str) -> tuple[str, str]:
    user, _, password = base64.b64decode(header.partition(" ")[2]).decode().partition(":")
    return user, password


def _token(tls: Tls, access: Access, lifetime: int) -> str:
    now = int(time.time())
    header = {"typ": "JWT", "alg": "ES256", "x5c": tls.x5c()}
    claims = {"iss": ISSUER, "sub": "", "aud": SERVICE, "access": access, "jti": secrets.token_hex(8)}
    # A registry allows a minute of leeway, so an expired token lies further back.
    claims |= {"exp": now + lifetime, "nbf": now - 3600, "iat": now - 3600}
    signed = _part(json.dumps(header).encode()) + b"." + _part(json.dumps(claims).encode())
    signature = tls.private_key.sign(signed, ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    return (signed + b"." + _part(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
