"""Sample: downloads the picture of the test before the image under test starts, which thus runs beside no key."""

from pathlib import Path

from inference_image_contract.inputs import SampleInput
from inference_image_contract.results import HandedOn
from inference_image_contract.sample import MAX_BYTES
from inference_image_store import Store


def sample(request: SampleInput, store: Store, target: Path) -> HandedOn:
    """Writes the picture to `target` for `probe`.

    Raises StageError: `SourceChanged`, and those of the store.
    """
    picture = store.read(request.sample, max_bytes=MAX_BYTES, etag=request.sample_etag)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(picture)
    return HandedOn(files=1, size=len(picture))
