"""The operator's record of what an object's own Jobs made. See docs/decisions/0021."""

from inference_image_contract.content import result_sha256
from inference_image_contract.inputs import Graph
from inference_image_operator.api import ProducedExport, ProducedImage, ProducedStatus

MAX = 10
"""Of each kind. What is older is made again when it is needed."""


def with_export(record: ProducedStatus | None, fingerprint: str, graph: Graph) -> ProducedStatus:
    """The record with this export as its newest."""
    before = record or ProducedStatus()
    entry = ProducedExport(fingerprint=fingerprint, sha256=result_sha256(graph))
    others = (made for made in before.exports if made.fingerprint != fingerprint)
    return ProducedStatus(exports=(entry, *others)[:MAX], images=before.images)


def with_image(record: ProducedStatus | None, content_hash: str, digest: str) -> ProducedStatus:
    """The record with this image as its newest."""
    before = record or ProducedStatus()
    others = (made for made in before.images if made.content_hash != content_hash)
    entry = ProducedImage(content_hash=content_hash, digest=digest)
    return ProducedStatus(exports=before.exports, images=(entry, *others)[:MAX])
