"""Inputs as people and their tools write them, through `kubectl apply`: used as they mean them, or refused in Resolve.

Each stands for a public report. The unit tests and tests/builders have the kinds; here is the whole way of one of each.
"""

import copy
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from demo import install, kubectl
from demo.seed import EXAMPLE
from devcluster import settings
from devcluster.certs import credentials
from tests.e2e.stack import Case, fresh_repository, objects
from tests.support.image_tables import entry, header, table

DOCKERFILE = "object-detect-cpu.Dockerfile"
START = "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nUSER root\nCOPY code/ /ai/\n"


class Brought(Case):
    """An object that only runs Resolve, for inputs that it refuses; each test brings its own."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.spec["test"]["enabled"] = False
        self.good = copy.deepcopy(self.manifest)

    def afresh(self) -> "Brought":
        self.manifest = copy.deepcopy(self.good)
        self.inputs()
        return self

    def refused(self, reason: str, *words: str) -> None:
        """Resolve refuses the inputs with this reason, in these words."""
        self.request()
        self.until_failed(reason)
        failure = self.status["lastFailure"]
        said = f"{failure['message']} {failure['hint']}"
        assert failure["stage"] == "Resolve", said
        assert [word for word in words if word not in said] == [], said


@pytest.fixture(scope="module")
def worker_case(worker_id: str) -> Brought:
    return Brought(f"brought-{worker_id}")


@pytest.fixture
def resolve(worker_case: Brought) -> Brought:
    return worker_case.afresh()


def train_with(case: Case, folder: str, names: tuple[str, ...]) -> None:
    """The training's output is a folder with copies of the example's files under these names."""
    old, new = case.spec["model"]["prefix"], f"{case.prefix}{folder}/"
    by_end = {name.rpartition(".")[2]: name for name in (*case.checkpoint, "pipeline.config", "checkpoint")}
    objects(*({"copy": [old + by_end[name.rpartition(".")[2]], new + name]} for name in names))
    case.spec["model"] |= {"prefix": new, "checkpoint": {"policy": "Latest"}}


def test_a_checkpoint_of_tensorflow_2(resolve, tmp_path):
    train_with(resolve, "tf2", ("ckpt-5.data-00000-of-00001", "pipeline.config"))
    found = tmp_path / "ckpt-5.index"
    names = (b"_CHECKPOINTABLE_OBJECT_GRAPH", b"model/kernel/.ATTRIBUTES/VARIABLE_VALUE")
    found.write_bytes(table([[(b"", header(1)), *((name, entry(0, 0, 10)) for name in names)]]))
    objects({"upload": [str(found), f"{resolve.spec['model']['prefix']}{found.name}"]})
    resolve.refused("CheckpointUnsupported", "ckpt-5", "TensorFlow 2")


def test_a_checkpoint_of_the_zoo_without_a_step(resolve):
    names = ("model.ckpt.index", "model.ckpt.data-00000-of-00001", "model.ckpt.meta", "pipeline.config")
    train_with(resolve, "zoo", names)
    resolve.refused("CheckpointNotFound", "whose name contains no step", "`name: model.ckpt`")


def test_a_label_map_that_is_not_utf_8(resolve, tmp_path):
    found = tmp_path / "label_map.pbtxt"
    found.write_bytes("item {\n  id: 1\n  name: '圆形'\n}\n".encode("gbk"))
    objects({"upload": [str(found), resolve.spec["model"]["labelMap"]]})
    resolve.refused("LabelMapInvalid", "line 3", "UTF-8")


def test_a_field_that_older_releases_have(resolve):
    right = (EXAMPLE / "training" / "pipeline.config").read_text()
    old = right.replace("num_classes: 3", "num_classes: 3\n    batch_norm_trainable: true")
    config = f"{resolve.spec['model']['prefix']}pipeline.config"
    objects({"write": [config, old]})
    resolve.refused("PipelineConfigUnknownField", f"{config}, line 5", "batch_norm_trainable")


@pytest.mark.parametrize(
    ("builder", "line", "words"),
    [
        ("Kaniko", "RUN --network=none true", "--network"),
        ("Kaniko", "RUN --mount=type=secret,id=token,required=true true", "--mount"),
        ("Append", "RUN true", "Kaniko"),
    ],
    ids=["no network", "a secret", "RUN with Append"],
)
def test_what_the_builder_would_leave_out(resolve, builder, line, words):
    resolve.spec["build"]["builder"] = builder
    objects({"write": [f"{resolve.prefix}source/{DOCKERFILE}", f"{START}{line}\n"]})
    resolve.refused("BuilderUnsupported", "line 5", words)


EVERYTHING = (
    START
    + """ARG TARGETARCH
COPY bin/${TARGETARCH}/tool /usr/local/bin/tool
COPY --exclude=*.key conf/ /ai/conf/
COPY --parents conf/deep/x.json /ai/parents/
COPY conf/*.nothing /ai/none/
COPY <<END /ai/heredoc.json
{"threshold": 0.5}
END
RUN <<END
mkdir -p /ai/made /var/run/app
echo ready >/ai/made/flag
echo 1 >/var/run/app/x
END
"""
)


def source_of(case: Case, pack: Callable[[Path], Path], tmp_path: Path) -> None:
    """The source is one file that `pack` makes of the example's code and a Dockerfile with everything."""
    folder = tmp_path / "source"
    files = {
        DOCKERFILE: EVERYTHING.encode(),
        "bin/amd64/tool": b"#!/bin/sh\n",
        "conf/a.json": b"{}",
        "conf/private.key": b"canary",
        "conf/deep/x.json": b"{}",
        "conf/标签.txt": b"",
    }
    files |= {f"code/{path.name}": path.read_bytes() for path in (EXAMPLE / "code").glob("*.py")}
    for name, data in files.items():
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_bytes(data)
    folder.joinpath("bin/amd64/tool").chmod(0o755)
    packed = pack(folder)
    key = f"{case.prefix}{packed.name}"
    objects({"upload": [str(packed), key]})
    case.spec["source"] |= {"ufile": {"archive": key}, "dockerfile": DOCKERFILE}


def zipped(folder: Path) -> Path:
    """A ZIP with modes, as Info-ZIP and git write it."""
    packed = folder.parent / "source.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*")):
            target.write(path, path.relative_to(folder))
    return packed


def test_a_dockerfile_with_everything_from_an_archive_of_a_windows_run(case, tmp_path):
    """Kaniko alone drops the heredoc, copies the key, loses /var/run and knows no TARGETARCH.

    The archive's program keeps the executable bit, the state file of the training has a path of Windows and the end
    of the lines too, and the label map begins with a byte order mark and names the background.
    """
    train, labels = case.spec["model"]["prefix"], case.spec["model"]["labelMap"]
    step = case.spec["model"]["checkpoint"]["step"]
    for end in ("index", "meta", "data-00000-of-00001"):  # a newer step of a run that was given up
        objects({"copy": [f"{train}model.ckpt-{step}.{end}", f"{train}model.ckpt-{step + 1}.{end}"]})
    objects(
        {"write": [f"{train}checkpoint", f'model_checkpoint_path: "D:\\\\work\\\\run2\\\\model.ckpt-{step}"\r\n']},
        {"write": [labels, "\ufeffitem { id: 0 name: 'background' }\r\n" + three_classes()]},
    )
    case.spec["model"]["checkpoint"] = {"policy": "Latest"}
    case.spec["build"]["builder"] = "Kaniko"
    case.spec["image"]["repository"] = fresh_repository()
    case.spec["test"]["enabled"] = False
    source_of(case, zipped, tmp_path)
    login = json.loads(credentials.docker_config_text())
    login["auths"] = {settings.REGISTRY_HOST.upper(): login["auths"][settings.REGISTRY_HOST]}
    kubectl.apply(install.push_secret(case.namespace, json.dumps(login)))
    case.apply()
    assert case.until_ready()["checkpoint"]["step"] == step
    files = case.pulled().files
    assert files["/usr/local/bin/tool"][1] == 0o755
    assert {"/ai/conf/a.json", "/ai/conf/标签.txt", "/ai/parents/conf/deep/x.json"} < files.keys()
    assert {"/ai/heredoc.json", "/ai/made/flag", "/run/app/x"} < files.keys()
    assert [path for path in files if path.endswith("private.key") or path.startswith(("/var/run/", "/ai/none"))] == []


def test_a_key_with_characters_of_addresses(case):
    source = f"{case.prefix}source/"
    objects({"write": [f"{source}code/notes#1 50%?.md", "kept"]}, {"write": [f"{source}{DOCKERFILE}", START]})
    case.spec["build"]["builder"] = "Append"
    case.spec["test"]["enabled"] = False
    case.apply()
    case.until_ready()
    assert "/ai/notes#1 50%?.md" in case.pulled().files


def three_classes() -> str:
    names = ("circle", "square", "triangle")
    return "".join(f"item {{ id: {number} name: '{name}' }}\r\n" for number, name in enumerate(names, 1))
