"""For each row of the table of builders: a Dockerfile that uses the feature, and the image that it means."""

from tests.builders.proofs import add, copy, run, settings, stages
from tests.builders.proofs.proof import Proof

PROOFS: dict[str, Proof] = {**stages.PROOFS, **settings.PROOFS, **run.PROOFS, **copy.PROOFS, **add.PROOFS}
