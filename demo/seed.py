"""Uploads what the tutorial's user has: training output, label map, code, a sample. Runs inside the cluster's network.

`python -m demo.seed FIXTURE`: prints how many objects were new or had changed.
"""

import sys
from pathlib import Path

from devcluster import settings
from devcluster.fixture import Fixture
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store, etag_of

EXAMPLE = settings.REPOSITORY / "examples" / "object-detect"
TRAINING_OUTPUT = "uai/object-train-output/"
LABEL_MAP = "uai/object-prep-output/label_map.pbtxt"
SOURCE = "uai/object-detect/"
SAMPLE = "uai/samples/shapes.png"
SAMPLE_SEED = 31


def store() -> Store:
    """The object store stand-in, with the keys of the environment."""
    return Store(
        UFile(bucket=settings.UFILE_BUCKET, scheme="http", suffix=settings.UFILE_SUFFIX), Credentials.from_environment()
    )


def objects(trained: Fixture) -> dict[str, Path]:
    """Key -> file of everything but the sample, under the tutorial's prefixes."""
    found = {TRAINING_OUTPUT + path.name: path for path in trained.training_output}
    found[LABEL_MAP] = trained.label_map
    for name in ("object-detect-cpu.Dockerfile", "object-detect.conf"):
        found[SOURCE + name] = EXAMPLE / name
    for path in sorted((EXAMPLE / "code").glob("*.py")):
        found[f"{SOURCE}code/{path.name}"] = path
    return found


def sample() -> bytes:
    """One drawn picture as PNG."""
    sys.path.insert(0, str(EXAMPLE / "training"))
    from shapes import pictures  # noqa: PLC0415 - the example is no package of ours

    data: bytes = pictures(SAMPLE_SEED, 1)[0][0]
    return data


def upload(target: Store, trained: Fixture) -> int:
    """Uploads what is not there and equal; returns how many objects that were."""
    changed = 0
    for key, path in objects(trained).items():
        there = target.find(key)
        if there is None or there.etag != etag_of(path):
            target.upload(path, key)
            changed += 1
    picture = sample()
    there = target.find(SAMPLE)
    if there is None or there.etag != etag_of(picture):
        target.write(picture, SAMPLE)
        changed += 1
    return changed


if __name__ == "__main__":
    print(upload(store(), Fixture(Path(sys.argv[1]))))
