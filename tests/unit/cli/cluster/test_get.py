"""`get`: the table, its columns and ages, and the objects as JSON, YAML and names."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from kubectl_inferenceimage.cluster.get import age, listing
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, ApiServer

Object = dict[str, Any]
DIGEST = "sha256:" + "d" * 64
EVERYWHERE = "/apis/uai.ucloud.cn/v1alpha1/inferenceimages"
NOW = datetime(2026, 1, 31, 9, 35, 10, tzinfo=UTC)


def image(name: str = "detector", namespace: str = NAMESPACE, **status: Any) -> Object:
    meta = {"name": name, "namespace": namespace, "creationTimestamp": "2026-01-31T09:30:00Z", "managedFields": [1]}
    return {"metadata": meta, "spec": {"image": {"repository": "uhub.test/a"}}, "status": status}


BUILDING = image(
    conditions=[{"type": "Ready", "status": "Unknown", "reason": "Building", "message": "Building in Job j\x1b[2J"}],
    stage={"name": "Build"},
    checkpoint={"step": 800},
)
READY = image(
    "other",
    conditions=[{"type": "Ready", "status": "True", "reason": "Published"}],
    image={"digest": DIGEST, "reference": f"uhub.test/b@{DIGEST}", "tags": ["a", "b"]},
    checkpoint={"name": "model.ckpt"},
)


def test_the_table(api: ApiServer, ask) -> None:
    api.objects[IMAGES] = [BUILDING, READY, image("new")]
    code, out, err = ask("get")
    rows = [line.split() for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert rows[0] == ["NAME", "READY", "STAGE", "REASON", "AGE", "DIGEST"]
    assert [[row[place] for place in (0, 1, 2, 3, 5)] for row in rows[1:]] == [
        ["detector", "Unknown", "Build", "Building", "<none>"],
        ["other", "True", "<none>", "Published", DIGEST[:19]],
        ["new", "<none>", "<none>", "<none>", "<none>"],
    ]


def test_the_age_is_counted_from_the_creation() -> None:
    columns, rows = listing([READY], NOW, wide=True, everywhere=True)
    assert columns[:2] == ("NAMESPACE", "NAME")
    assert rows[0][5] == "5m10s"
    assert dict(zip(columns, rows[0], strict=True))["DIGEST"] == DIGEST


def test_the_wide_table(api: ApiServer, ask) -> None:
    api.objects[IMAGES] = [BUILDING, READY]
    out = ask("get", "-o", "wide")[1]
    first, second = out.splitlines()[1:]
    assert first.endswith("800          uhub.test/a   <none>   Building in Job j\N{REPLACEMENT CHARACTER}[2J")
    assert second.endswith(f"{DIGEST}   model.ckpt   uhub.test/b   a,b      <none>")


def test_one_object_and_all_namespaces(api: ApiServer, ask) -> None:
    api.objects |= {f"{IMAGES}/detector": BUILDING, EVERYWHERE: [BUILDING, image("far", "team-b")]}
    assert len(ask("get", "detector")[1].splitlines()) == 2
    out = ask("get", "-A")[1]
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["NAMESPACE", "NAME"], ["team-a", "detector"], ["team-b", "far"],
    ]  # fmt: skip
    code, out, err = ask("get", "detector", "-A")
    assert (code, out) == (1, "")
    assert "give NAME or -A" in err


def test_the_objects_themselves(api: ApiServer, ask) -> None:
    api.objects |= {f"{IMAGES}/detector": BUILDING, IMAGES: [BUILDING, READY]}
    one, listed = json.loads(ask("get", "detector", "-o", "json")[1]), yaml.safe_load(ask("get", "-o", "yaml")[1])
    assert one["status"] == BUILDING["status"]
    assert "managedFields" not in one["metadata"]
    assert (listed["apiVersion"], listed["kind"], len(listed["items"])) == ("v1", "List", 2)
    assert listed["items"][0] == one
    assert "\x1b" not in ask("get", "-o", "yaml")[1] + ask("get", "-o", "json")[1]
    assert ask("get", "-o", "name")[1] == "inferenceimage.uai.ucloud.cn/detector\ninferenceimage.uai.ucloud.cn/other\n"


def test_nothing_is_there(api: ApiServer, ask) -> None:
    api.objects |= {IMAGES: [], EVERYWHERE: []}
    assert ask("get") == (0, "", f"No resources found in {NAMESPACE} namespace.\n")
    assert ask("get", "-A") == (0, "", "No resources found.\n")
    assert json.loads(ask("get", "-o", "json")[1])["items"] == []


def test_a_missing_right(api: ApiServer, ask) -> None:
    api.forbidden |= {("GET", IMAGES), ("GET", EVERYWHERE)}
    assert (
        ask("get")[2] == f"You may not list the InferenceImages in {NAMESPACE}. Ask for that right in the namespace.\n"
    )
    assert ask("get", "-A")[2].startswith("You may not list the InferenceImages of all namespaces.")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (119, "119s"),
        (120, "2m"),
        (310, "5m10s"),
        (3600, "60m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (9 * 3600, "9h"),
        (2 * 86400, "2d"),
        (3 * 86400 + 7200, "3d2h"),
        (400 * 86400, "400d"),
        (1105 * 86400, "3y10d"),
    ],
)
def test_ages(seconds: int, text: str) -> None:
    assert age(seconds) == text
