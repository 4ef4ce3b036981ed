"""A stand-in for UFile, UCloud's object storage: its HTTP protocol on one machine, with fault knobs for tests.

It shares no code with `object_store/`, on purpose: signatures and ETags are computed twice, so a mistake shows.
"""

from devcluster.ufile.faults import Fault, FaultPlan
from devcluster.ufile.protocol.accounts import KeyPair
from devcluster.ufile.running import StandIn, running

__all__ = ["Fault", "FaultPlan", "KeyPair", "StandIn", "running"]
