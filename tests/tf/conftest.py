"""The trained fixture in a UFile stand-in, as a training and the resolve step leave it."""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import pytest

from devcluster.fixture import Fixture, fixture
from devcluster.ufile import KeyPair, StandIn, running
from inference_image_contract import inputs, results
from inference_image_store import Credentials, Store
from tests.support.exporting import export_stage, upload_again

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PUBLIC_KEY, PRIVATE_KEY = "public-key-of-the-tests", "private-key-of-the-tests"
TRAINING_OUTPUT = "uai/object-train-output/"
LABEL_MAP = "uai/object-prep-output/label_map.pbtxt"
OUTPUT = "uai/object-export-output/"


def pytest_configure(config: pytest.Config) -> None:
    """Ignores warnings of TensorFlow and its dependencies; warnings of our code stay errors."""
    for module in ("tensorflow", "tf_keras", "tf_slim", "google", "keras", "h5py", "astunparse"):
        config.addinivalue_line("filterwarnings", f"ignore::Warning:{module}")


@dataclass(frozen=True)
class World:
    """One bucket with the training's output, and the export's input as the operator sets it."""

    stand_in: StandIn
    store: Store
    stage: inputs.ExportInput
    input_lock: inputs.InputLock

    @property
    def folder(self) -> str:
        """The prefix of this fingerprint's results."""
        return f"{OUTPUT}{self.input_lock.fingerprint.removeprefix('sha256:')}/"

    @property
    def published(self) -> list[str]:
        """Keys below the output prefix, without the input lock."""
        return [item.key for item in self.store.list(OUTPUT, limit=100) if "/resolved/" not in item.key]

    @property
    def keeper(self) -> Store:
        """The store with a token that forbids overwriting."""
        return self.by(KeyPair("TOKEN_keeper", "keeper-key", overwrite=False))

    def by(self, pair: KeyPair) -> Store:
        """The store with this key pair."""
        self.stand_in.service.trust(pair)
        keys = Credentials(pair.public_key, pair.private_key, pair.security_token)
        return Store(self.stage.ufile, keys, retries=2, first_pause=0.01)

    def asking_for(self, input_type: str = "image_tensor", **changes: object) -> "World":
        """The same checkpoint, exported for another input type, or with other changes of the stage's input."""
        asked = repr((input_type, sorted(changes.items())))
        fingerprint = "sha256:" + hashlib.sha256(asked.encode()).hexdigest()
        input_lock = msgspec.structs.replace(self.input_lock, fingerprint=fingerprint)
        stage = msgspec.structs.replace(write_input_lock(self, input_lock, input_type), **changes)
        return replace(self, stage=stage, input_lock=input_lock)

    def of_graph(self, data: bytes, **changes: object) -> "World":
        """An imported graph in place of the checkpoint."""
        key = "models/frozen_inference_graph.pb"
        graph = pinned(self.store, key, data)
        input_lock = msgspec.structs.replace(
            self.input_lock, frozen_graph=graph, checkpoint=(), pipeline_config=None, step=None
        )
        return replace(self, input_lock=input_lock).asking_for(**changes)

    def named(self, name: str) -> "World":
        """The same checkpoint under a name without a step, as in an archive of a model zoo."""
        files = []
        for item in self.input_lock.checkpoint:
            key = item.key.replace(f"model.ckpt-{self.input_lock.step}.", f"{name}.")
            files.append(pinned(self.store, key, self.store.read(item.key, max_bytes=10**9)))
        input_lock = msgspec.structs.replace(self.input_lock, step=None, checkpoint_name=name, checkpoint=tuple(files))
        return replace(self, input_lock=input_lock).asking_for()

    def of_labels(self, data: bytes) -> "World":
        """Another label map, pinned as if resolved after it changed."""
        input_lock = msgspec.structs.replace(self.input_lock, label_map=pinned(self.store, LABEL_MAP, data))
        return replace(self, stage=write_input_lock(self, input_lock, self.stage.input_type), input_lock=input_lock)

    def replaced(self, name: str, data: bytes) -> "World":
        """Another file of that name in the training's output, pinned as if resolved after it changed."""
        pin = pinned(self.store, TRAINING_OUTPUT + name, data)
        files = tuple(pin if item.key == pin.key else item for item in self.input_lock.checkpoint)
        config = pin if pin.key == self.input_lock.pipeline_config.key else self.input_lock.pipeline_config
        input_lock = msgspec.structs.replace(self.input_lock, checkpoint=files, pipeline_config=config)
        return replace(self, stage=write_input_lock(self, input_lock, self.stage.input_type), input_lock=input_lock)


def pinned(store: Store, key: str, data: bytes) -> inputs.PinnedObject:
    """Stores an object and pins it."""
    info = store.write(data, key)
    return inputs.PinnedObject(key=info.key, size=info.size, etag=info.etag)


def write_input_lock(world: World, input_lock: inputs.InputLock, input_type: str) -> inputs.ExportInput:
    """The export's input for an input lock, which is stored as the resolve step stores it."""
    data = msgspec.json.encode(input_lock)
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"{OUTPUT}resolved/{sha256}.json"
    world.store.write(data, key)
    return msgspec.structs.replace(
        world.stage, input_lock=inputs.InputLockRef(key=key, sha256=sha256), input_type=input_type
    )


@pytest.fixture(scope="session")
def trained() -> Fixture:
    """The trained fixture, from the cache or trained now."""
    return fixture()


@pytest.fixture
def world(trained: Fixture, tmp_path: Path) -> Iterator[World]:
    """The training's output in a bucket, resolved for `image_tensor`."""
    with made(trained, tmp_path) as world:
        yield world


@dataclass(frozen=True)
class FirstExport:
    """The export of the `world`, and the bucket that it leaves."""

    folder: Path
    kept: Path
    """What `export` left for `upload`."""
    done: results.Exported
    seen: list[tuple[str, str]]
    """Method and key of each request."""

    def puts(self) -> list[str]:
        """Keys written below the output prefix, in order."""
        return [key for method, key in self.seen if method == "PUT" and key.startswith(OUTPUT)]

    def upload_again(self, world: World, store: Store | None = None) -> results.Exported:
        """Uploads the same files for a `world`."""
        return upload_again(world.stage, store or world.store, self.kept)


@pytest.fixture(scope="session")
def first_export(trained: Fixture, tmp_path_factory: pytest.TempPathFactory) -> FirstExport:
    """Made once: TensorFlow takes seconds for each export."""
    folder, kept = tmp_path_factory.mktemp("first-export"), tmp_path_factory.mktemp("kept") / "output"
    with made(trained, folder) as world:
        done = export_stage(world.stage, world.store, kept)
        return FirstExport(folder, kept, done, [*world.stand_in.seen])


@pytest.fixture
def exported_world(trained: Fixture, first_export: FirstExport, tmp_path: Path) -> Iterator[World]:
    """The `world` after its export, in a copy of that bucket."""
    shutil.copytree(first_export.folder, tmp_path, dirs_exist_ok=True)
    with made(trained, tmp_path) as world:
        yield world


@contextlib.contextmanager
def made(trained: Fixture, folder: Path) -> Iterator[World]:
    """Makes a `world` that outlives one test."""
    with running(folder / "ufile", [KeyPair(public_key=PUBLIC_KEY, private_key=PRIVATE_KEY)]) as stand_in:
        location = inputs.UFile(bucket=stand_in.bucket, scheme="http", suffix=stand_in.suffix)
        store = Store(location, Credentials(PUBLIC_KEY, PRIVATE_KEY), retries=2, first_pause=0.01)
        pins = {
            path.name: pinned(store, TRAINING_OUTPUT + path.name, path.read_bytes()) for path in trained.training_output
        }
        input_lock = inputs.InputLock(
            fingerprint="sha256:" + "ab" * 32,
            inputs_hash="sha256:" + "cd" * 32,
            step=trained.step,
            checkpoint=tuple(pin for name, pin in pins.items() if ".data-" in name or ".index" in name),
            pipeline_config=pins["pipeline.config"],
            label_map=pinned(store, LABEL_MAP, trained.label_map.read_bytes()),
            num_classes=3,
            source=(),
            dockerfile="Dockerfile",
            base_images={},
        )
        stage = inputs.ExportInput(
            ufile=location,
            input_lock=inputs.InputLockRef(key="", sha256=""),
            input_type="image_tensor",
            output_prefix=OUTPUT,
            timeout_seconds=600,
        )
        world = World(stand_in, store, stage, input_lock)
        yield replace(world, stage=write_input_lock(world, input_lock, "image_tensor"))
