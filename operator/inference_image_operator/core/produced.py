"""The operator's record of what an object's own Jobs made. See docs/decisions/0021."""

from msgspec.structs import replace

from inference_image_contract.content import result_sha256
from inference_image_contract.inputs import Graph
from inference_image_operator.api import ProducedExport, ProducedImage, ProducedStatus, TestSpec, write
from inference_image_operator.api.names import digest as hash_of

MAX = 10
"""Of each kind. What is older is made again when it is needed."""


def with_export(record: ProducedStatus | None, fingerprint: str, graph: Graph) -> ProducedStatus:
    """The record with this export as its newest."""
    before = record or ProducedStatus()
    entry = ProducedExport(fingerprint=fingerprint, sha256=result_sha256(graph))
    others = (made for made in before.exports if made.fingerprint != fingerprint)
    return ProducedStatus(exports=(entry, *others)[:MAX], images=before.images)


def with_image(record: ProducedStatus | None, content_hash: str, digest: str) -> ProducedStatus:
    """The record with this image as its newest. The same image keeps the test that it passed."""
    before = record or ProducedStatus()
    others = (made for made in before.images if made.content_hash != content_hash)
    known = image(record, content_hash, digest)
    entry = known or ProducedImage(content_hash=content_hash, digest=digest)
    return ProducedStatus(exports=before.exports, images=(entry, *others)[:MAX])


def with_test(record: ProducedStatus, tested: ProducedImage) -> ProducedStatus:
    """The record with the test that one of its images has passed."""
    images = (tested if made.content_hash == tested.content_hash else made for made in record.images)
    return replace(record, images=tuple(images))


def image(record: ProducedStatus | None, content_hash: str, digest: str) -> ProducedImage | None:
    """The entry of this image; None if no Job of the object made it."""
    images = record.images if record else ()
    return next((made for made in images if (made.content_hash, made.digest) == (content_hash, digest)), None)


def hash_of_test(test: TestSpec, sample_etag: str) -> str:
    """Identifies a test: its part of the spec, and the sample."""
    return hash_of(write(test), sample_etag)
