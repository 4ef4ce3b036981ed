"""`report`: everything that a bug report needs, and no secret of those that are planted everywhere."""

import base64
import json
import stat
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from inference_image_contract.paths import PRIVATE_KEY_ENV
from kubectl_inferenceimage.cluster.report.masking import is_secret, masked, masked_text
from tests.unit.cli.cluster.standin import IMAGES, JOBS, NAMESPACE, PODS, ApiServer

Object = dict[str, Any]
CANARIES = [f"canary{number}Zq7" for number in range(19)]
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
DEPLOYMENTS = "/apis/apps/v1/deployments"
OWN = "/apis/apps/v1/namespaces/inference-image-system/deployments"
SYSTEM_PODS = "/api/v1/namespaces/system/pods"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{CANARIES[11]}\n-----END RSA PRIVATE KEY-----"
JWT = f"eyJhbGciOiJSUzI1NiJ9.eyJ{CANARIES[12]}.{CANARIES[12]}"

IMAGE: Object = {
    "metadata": {
        "name": "detector", "namespace": NAMESPACE, "uid": "1", "labels": {"team": "vision"},
        "managedFields": [{"manager": CANARIES[0]}],
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"spec": CANARIES[1]}),
            "deploy-token": CANARIES[2],
        },
    },
    "spec": {
        "source": {"git": {"url": f"https://user:{CANARIES[3]}@git.test/code", "secretRef": {"name": "git-login"}}},
        "build": {"args": {"API_KEY": CANARIES[4], "BASE": "debian:12"}},
        "image": {"pushSecretRef": {"name": "uhub"}},
    },
    "status": {
        "lastFailure": {"message": "It failed.", "logTail": f"step 1\nexport DB_PASSWORD='{CANARIES[5]} and more'\n"},
        "frozenGraph": {"key": "export/frozen_inference_graph.pb"},
    },
}  # fmt: skip
POD: Object = {
    "metadata": {"name": "build-pod", "uid": "3", "creationTimestamp": "2"},
    "spec": {
        "initContainers": [
            {"name": "kaniko", "args": [f"--build-arg=API_KEY={CANARIES[6]}", "--destination=uhub.test/a"]}
        ],
        "containers": [
            {
                "name": "report",
                "env": [
                    {"name": "REGISTRY_PASSWORD", "value": CANARIES[7]},
                    {
                        "name": "INFERENCE_IMAGE_INPUT",
                        "value": json.dumps({"buildArgs": {"SSH_KEY": CANARIES[8]}, "a": 1}),
                    },
                    {
                        "name": "UFILE_PRIVATE_KEY",
                        "valueFrom": {"secretKeyRef": {"name": "ufile", "key": "privateKey"}},
                    },
                ],
            }
        ],
    },
}
LOG = "\n".join(
    [
        "INFO building",
        f"cloning https://{CANARIES[9]}@git.test/x",
        f"Authorization: Bearer {CANARIES[10]}123456789",
        PEM,
        f"token in a line {JWT}",
        json.dumps({"level": "info", "password": CANARIES[13], "msg": "logged in"}),
        f'{{"auths": {{"uhub.test": {{"auth": "{CANARIES[14]}"}}}}',
        f"aws_secret_access_key: {CANARIES[15]}",
        f"the key of US3 is {CANARIES[16]}",
        "the last line",
    ]
)


@pytest.fixture
def planted(api: ApiServer, monkeypatch: pytest.MonkeyPatch) -> ApiServer:
    monkeypatch.setenv(PRIVATE_KEY_ENV, CANARIES[16])
    event = {"involvedObject": {"uid": "3"}, "message": f"pull of https://u:{CANARIES[17]}@uhub.test failed"}
    deployment = {
        "metadata": {"name": "operator", "namespace": "system"},
        "spec": {"template": {"spec": {"containers": [{"env": [{"name": "PROXY_TOKEN", "value": CANARIES[18]}]}]}}},
    }
    operator_pod = {"metadata": {"name": "operator-pod", "uid": "9"}, "spec": {"containers": [{"name": "operator"}]}}
    api.objects |= {
        IMAGES: [IMAGE],
        f"{IMAGES}/detector": IMAGE,
        JOBS: [{"metadata": {"name": "build-job", "uid": "2", "creationTimestamp": "1"}, "spec": {}}],
        PODS: [POD],
        EVENTS: [event, {"involvedObject": {"uid": "another"}, "message": "of another object"}],
        DEPLOYMENTS: [deployment],
        SYSTEM_PODS: [operator_pod],
        f"{PODS}/build-pod/log": LOG,
        f"{SYSTEM_PODS}/operator-pod/log": "the operator's log",
        "/version": {"gitVersion": "v1.34.0"},
    }
    return api


@pytest.fixture
def report(ask, tmp_path: Path) -> Callable[..., tuple[dict[str, str], str]]:
    """report("detector") -> the files by name, and standard output."""

    def call(*words: str) -> tuple[dict[str, str], str]:
        path = tmp_path / "report.tar.gz"
        path.unlink(missing_ok=True)
        code, out, err = ask("report", *words, "--output", path)
        assert (code, err) == (0, "")
        with tarfile.open(path) as archive:
            members = {member.name: archive.extractfile(member).read().decode() for member in archive.getmembers()}
        return {name.removeprefix("inferenceimage-report/"): text for name, text in members.items()}, out

    return call


def test_the_archive_has_everything_about_the_object(planted: ApiServer, report) -> None:
    files, out = report("detector")
    assert sorted(files) == [
        "README.txt",
        "detector/events.yaml",
        "detector/inferenceimage.yaml",
        "detector/jobs/build-job.yaml",
        "detector/logs/build-pod.kaniko.log",
        "detector/logs/build-pod.report.log",
        "detector/pods/build-pod.yaml",
        "operator/logs/operator-pod.operator.log",
        "operator/system.operator.yaml",
        "versions.yaml",
    ]
    assert yaml.safe_load(files["versions.yaml"])["apiServer"] == {"gitVersion": "v1.34.0"}
    assert "of another object" not in files["detector/events.yaml"]
    assert "Nothing was sent." in out
    assert "- nothing" in files["README.txt"]


@pytest.mark.parametrize("words", [["detector"], []])
def test_no_planted_secret_is_in_the_archive(planted: ApiServer, report, words: list[str]) -> None:
    files, out = report(*words)
    everything = "\n".join([*files, *files.values(), out])
    encoded = [base64.b64encode(canary.encode()).decode() for canary in CANARIES]
    assert [canary for canary in (*CANARIES, *encoded) if canary in everything] == []
    assert "the-token-of-the-person" not in everything


def test_what_is_no_secret_stays(planted: ApiServer, report) -> None:
    files, _ = report("detector")
    image = yaml.safe_load(files["detector/inferenceimage.yaml"])
    assert image["spec"]["build"]["args"] == {"API_KEY": "***", "BASE": "debian:12"}
    assert image["spec"]["image"] == {"pushSecretRef": {"name": "uhub"}}
    assert image["status"]["frozenGraph"] == {"key": "export/frozen_inference_graph.pb"}
    assert image["metadata"]["labels"] == {"team": "vision"}
    pod = yaml.safe_load(files["detector/pods/build-pod.yaml"])
    (container,) = pod["spec"]["containers"]
    assert container["env"][2]["valueFrom"] == {"secretKeyRef": {"name": "ufile", "key": "privateKey"}}
    assert json.loads(container["env"][1]["value"]) == {"buildArgs": {"SSH_KEY": "***"}, "a": 1}
    log = files["detector/logs/build-pod.kaniko.log"]
    assert log.startswith("INFO building\n")
    assert log.endswith("the last line")
    assert '"msg": "logged in"' in log


def test_secrets_and_config_maps_are_not_read(planted: ApiServer, report) -> None:
    report()
    assert [path for _, path, _, _ in planted.asked if "secrets" in path or "configmaps" in path] == []


def test_missing_rights_are_named(planted: ApiServer, report) -> None:
    planted.forbidden |= {("GET", path) for path in (JOBS, EVENTS, f"{PODS}/build-pod/log", DEPLOYMENTS, OWN)}
    files, out = report("detector")
    assert "detector/pods/build-pod.yaml" in files
    for text in ("list the Jobs", "list the Events", "read the log of container kaniko", "list the Deployments"):
        assert f"You may not {text}" in files["README.txt"]
        assert f"Not in it: You may not {text}" in out


def test_the_archive_is_its_owners_and_replaces_nothing(planted: ApiServer, ask, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, _ = ask("report", "detector")
    path = Path(out.splitlines()[0])
    assert code == 0
    assert path.name.startswith(f"inferenceimage-report-{NAMESPACE}-detector-20")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    code, _, err = ask("report", "detector", "--output", path)
    assert (code, "exists. Give another --output" in err) == (1, True)
    assert "cannot be written: No such file" in ask("report", "--output", tmp_path / "none" / "x.tar.gz")[2]


def test_an_object_that_does_not_exist_leaves_no_archive(api: ApiServer, ask, tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    assert ask("report", "detector", "--output", path)[0] == 1
    assert not path.exists()


@pytest.mark.parametrize(
    "name",
    [
        "PASSWORD",
        "DB_PASS",
        "dbPassword",
        "API_KEY",
        "apiKey",
        "aws-secret-access-key",
        "GITHUB_TOKEN",
        "auth",
        "PIP_PAT",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["key", "secretName", "pushSecretRef", "tokenHosts", "topologyKey", "PATH", "monkey", ""]
)
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=1 b=2", "a=1 b=2"),
        ("--build-arg=TOKEN=x", "--build-arg=TOKEN=***"),
        ("--build-arg TOKEN=x y", "--build-arg TOKEN=*** y"),
        ("env=TOKEN=x", "env=TOKEN=***"),
        ('PASSWORD="two words" end', "PASSWORD=*** end"),
        ("api_key: abc, next", "api_key: ***, next"),
        ("ssh://git@host.test/x", "ssh://***@host.test/x"),
        ("pushed uhub.test/a@sha256:abc", "pushed uhub.test/a@sha256:abc"),
        ("{not JSON", "{not JSON"),
    ],
)
def test_text(text: str, shown: str) -> None:
    assert masked_text(text) == shown


@pytest.mark.parametrize("text", ["a=" * 100_000, "token: " * 50_000, "://" * 100_000, "[" * 100_000, "a." * 100_000])
def test_hostile_text_is_read_once(text: str) -> None:
    begin = time.process_time()
    masked_text(text)
    assert time.process_time() - begin < 5


def test_other_values_stay_as_they_are() -> None:
    assert masked({"a": [1, None, True, 1.5], "token": "", "secret": {"name": "x"}}) == {
        "a": [1, None, True, 1.5], "token": "", "secret": {"name": "x"},
    }  # fmt: skip
