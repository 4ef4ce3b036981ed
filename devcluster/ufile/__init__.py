"""A stand-in for US3 (formerly UFile), UCloud's object storage: its HTTP protocol, with fault injection for tests.

It deliberately shares no code with `object_store/`: two implementations of signatures and ETags expose a mistake.
"""

from devcluster.ufile.faults import Fault, FaultPlan
from devcluster.ufile.protocol.accounts import KeyPair
from devcluster.ufile.running import StandIn, running

__all__ = ["Fault", "FaultPlan", "KeyPair", "StandIn", "running"]
