"""Uploads the files of an example's user: training output, label map, code, sample. Runs inside the cluster's network.

`python -m demo.seed SCENARIO`: prints how many objects were new or had changed.
"""

import sys
from pathlib import Path

from demo.scenario import BY_TITLE, OBJECT_DETECT, PREPARED, SOURCE, TRAINING_OUTPUT, Scenario
from devcluster import settings
from devcluster.fixture import fixture
from inference_image_contract.inputs import UFile
from inference_image_store import Credentials, Store, etag_of

EXAMPLE = OBJECT_DETECT.example
LABEL_MAP = OBJECT_DETECT.label_map


def store(bucket: str = settings.UFILE_BUCKET) -> Store:
    """A bucket of the object store stand-in, with the credentials of the environment."""
    return Store(UFile(bucket=bucket, scheme="http", suffix=settings.UFILE_SUFFIX), Credentials.from_environment())


def objects(scenario: Scenario) -> dict[str, Path]:
    """Key -> file, for everything except the sample, under the tutorial's prefixes."""
    trained = fixture(scenario.training)
    found = {TRAINING_OUTPUT + path.name: path for path in trained.training_output}
    found |= {PREPARED + path.name: path for path in (*trained.prepared, trained.label_map)}
    source = [scenario.example / name for name in ("object-detect-cpu.Dockerfile", "object-detect.conf")]
    source += sorted((scenario.example / "code").glob("*.py"))
    return found | {SOURCE + path.relative_to(scenario.example).as_posix(): path for path in source}


def upload(target: Store, scenario: Scenario) -> int:
    """Uploads new and changed files; returns how many there were."""
    from demo.pictures import sample  # noqa: PLC0415 - needs numpy, which the tests of the store lack

    changed = 0
    for key, path in objects(scenario).items():
        there = target.find(key)
        if there is None or there.etag != etag_of(path):
            target.upload(path, key)
            changed += 1
    picture = sample(scenario)
    there = target.find(scenario.sample)
    if there is None or there.etag != etag_of(picture):
        target.write(picture, scenario.sample)
        changed += 1
    return changed


if __name__ == "__main__":
    of = BY_TITLE[sys.argv[1]]
    print(upload(store(of.bucket), of))
