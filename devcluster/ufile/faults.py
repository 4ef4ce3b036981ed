"""Fault injection: which fault, for which requests, how often."""

import threading
from fnmatch import fnmatchcase

import msgspec

from devcluster.ufile.protocol.request import Request

KINDS = ("status", "reset", "stall", "slow", "truncate", "corrupt", "lose_reply", "bad_json")


class Fault(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """One fault and the requests that it affects.

    | kind | what happens |
    | --- | --- |
    | `status` | replies `status` and a JSON error before it processes the request |
    | `reset` | closes the connection before it processes the request |
    | `stall` | sends nothing more after `after` bytes of a GET's body (default: half), or before any other reply |
    | `slow` | sends 1 KB a second after `after` bytes of a GET's body (default: half) |
    | `truncate` | closes the connection after `after` bytes of a GET's body (default: half) |
    | `corrupt` | flips the byte at `after` (default: the middle) of a GET's body or of the bytes stored |
    | `lose_reply` | processes the request, then closes the connection without a reply |
    | `bad_json` | processes the request, then replies half a JSON document |
    """

    kind: str
    method: str = ""
    key: str = "*"
    """Glob over the key; the bucket's own key, as in listings, is empty."""
    parameter: str = ""
    """Name of a query parameter that the request must have."""
    times: int = 1
    """How many requests it affects; -1 for all."""
    status: int = 503
    location: str = ""
    """Location header of a `status` that redirects."""
    after: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind}; use one of {', '.join(KINDS)}")

    def hits(self, request: Request) -> bool:
        """Whether the fault affects this request."""
        return (
            self.method in ("", request.method)
            and fnmatchcase(request.key, self.key)
            and (not self.parameter or self.parameter in request.query)
        )


class FaultPlan:
    """The planned faults. One thread can add faults while another serves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Plans faults; a request gets the first that affects it."""
        with self._lock:
            self._faults.extend(faults)

    def clear(self) -> None:
        """Removes all planned faults."""
        with self._lock:
            self._faults.clear()

    def planned(self) -> tuple[Fault, ...]:
        """The faults that are not used up."""
        with self._lock:
            return tuple(self._faults)

    def take(self, request: Request) -> Fault | None:
        """The fault for this request; reduces its count by one."""
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
