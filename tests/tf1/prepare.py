"""`prepare.py FOLDER`: graphs for TensorFlow 1.15 and what they answer here, for `compare.py` to ask them there."""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from devcluster.fixture import fixture
from inference_image_export import canonical, picture, tf1
from inference_image_export.exporting import export
from inference_image_export.fetch import Source
from inference_image_export.verify import run
from tests.tf.architectures import FAMILIES, checkpoint


def prepare(name: str, source: Source, folder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        graph = export(source, "image_tensor", Path(scratch) / "output").graph
        definition = canonical.read_graph(graph)
        tf1.strip(definition)
        canonical.write(definition, folder / f"{name}.pb")
    asked = picture.feed("image_tensor")
    (answers,) = run(folder / f"{name}.pb", "image_tensor", [asked])
    np.savez(folder / f"{name}.npz", image_tensor=asked, **answers)
    print(f"{name}: exported and asked here", flush=True)


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    trained = fixture()
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    prepare("trained", Source(prefix, prefix.name, trained.directory / "pipeline.config", "config", ()), folder)
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as scratch:
            prepare(family.name.replace(" ", "-"), checkpoint(family, Path(scratch)), folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
