"""Faults on demand: what the stand-in shall do wrong, for which requests, how often."""

import threading
from fnmatch import fnmatchcase

import msgspec

from devcluster.ufile.protocol.request import Request

KINDS = ("status", "reset", "stall", "slow", "truncate", "corrupt", "lose_reply", "bad_json")


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One fault and the requests that it hits.

    | kind | what happens |
    | --- | --- |
    | `status` | answered with `status` and a JSON error before anything is done |
    | `reset` | the connection is closed before anything is done |
    | `stall` | silent after `after` bytes of a GET's body (half of them by default), or before any other answer |
    | `slow` | 1 KB a second after `after` bytes of a GET's body (half of them by default) |
    | `truncate` | the connection is closed after `after` bytes of a GET's body (half by default) |
    | `corrupt` | the byte at `after` (the middle by default) is flipped, of a GET's body or of the bytes stored |
    | `lose_reply` | everything is done, then the connection is closed instead of the answer |
    | `bad_json` | everything is done, then the answer is half a JSON document |
    """

    kind: str
    method: str = ""
    key: str = "*"
    """Glob over the key; the bucket's own key, as in listings, is empty."""
    parameter: str = ""
    """Name of a query parameter that the request must have."""
    times: int = 1
    """How many requests it hits; -1 for every one."""
    status: int = 503
    location: str = ""
    """Location header of a `status` that redirects."""
    after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault is one of {', '.join(KINDS)}, not {self.kind}")

    def hits(self, request: Request) -> bool:
        """Whether the fault is meant for this request."""
        return (
            self.method in ("", request.method)
            and fnmatchcase(request.key, self.key)
            and (not self.parameter or self.parameter in request.query)
        )


class FaultPlan:
    """The faults still to come. Safe to fill from one thread while another serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Plans faults; the first that hits a request is the one it gets."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Forgets what is planned."""
        with self._lock:
            self._faults.clear()

    def planned(self) -> tuple[Fault, ...]:
        """The faults that have not been used up."""
        with self._lock:
            return tuple(self._faults)

    def take(self, request: Request) -> Fault | None:
        """The fault for this request, used up by one."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.times != 0 and fault.hits(request):
                    self._use(index, fault)
                    return fault
        return None

    def _use(self, index: int, fault: Fault) -> None:
        if fault.times == 1:
            del self._faults[index]
        elif fault.times > 1:
            self._faults[index] = msgspec.structs.replace(fault, times=fault.times - 1)
