"""One request of an operator: verb, resource, namespace and name, for the proxy and for the choice of a fault."""

import time
from dataclasses import dataclass, field

CHANGES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass
class Request:
    """Kubernetes' own terms for an HTTP request."""

    verb: str
    """get, list, watch, create, update, patch or delete."""
    resource: str
    """Plural, with the subresource after a slash. Empty for discovery."""
    namespace: str
    name: str
    path: str
    query: dict[str, str]
    body: bytes = b""
    number: int = 0
    """Number among all requests of this proxy, from 1."""
    write: int = 0
    """Number among the writes, from 1; 0 for a read."""
    came: float = field(default_factory=time.monotonic)
    ended: float = 0
    status: int = 0
    """HTTP status of the answer to the operator; 0 without an answer."""
    forwarded: bool = False
    """Whether the API server received it."""
    events: int = 0
    """Number of watch events that the operator received."""

    @property
    def changes(self) -> bool:
        """Whether the request is a write."""
        return self.verb in CHANGES.values()

    def answered(self, status: int, *, forwarded: bool) -> None:
        """Records the answer."""
        self.status, self.forwarded, self.ended = status, forwarded, time.monotonic()

    def __str__(self) -> str:
        """The request as a line of text."""
        place = f"write {self.write}" if self.write else ""
        seen = "" if self.forwarded else " (never forwarded)"
        target = "/".join(part for part in (self.resource, self.namespace, self.name) if part) or self.path
        return f"{self.came:10.2f} #{self.number:<4} {place:9} {self.verb:6} {target} -> {self.status}{seen}"


@dataclass(frozen=True)
class Match:
    """A matcher of requests: every given field must be equal."""

    verb: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""

    def __call__(self, request: Request) -> bool:
        """Whether the request matches."""
        return all(
            not wanted or wanted == found
            for wanted, found in (
                (self.verb, request.verb),
                (self.resource, request.resource),
                (self.namespace, request.namespace),
                (self.name, request.name),
            )
        )


def describe(method: str, path: str, query: dict[str, str], body: bytes) -> Request:
    """Parses an HTTP request into Kubernetes terms (API concepts: resource URIs)."""
    parts = [part for part in path.split("/") if part]
    rest = parts[3:] if parts[:1] == ["apis"] else parts[2:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    resource = rest[0] if rest else ""
    name = rest[1] if len(rest) > 1 else ""
    if len(rest) > 2:
        resource += "/" + "/".join(rest[2:])
    verb = CHANGES.get(method) or ("get" if name or not resource else "list")
    if method == "GET" and query.get("watch") in ("true", "1"):
        verb = "watch"
    return Request(verb, resource, namespace, name, path, query, body)
