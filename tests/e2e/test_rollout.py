"""`spec.rollout` on the real kubelet: no request fails while an image is rolled out, and a broken one taken back."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo import kubectl
from demo.seed import EXAMPLE
from demo.seed_run import run_inside
from inference_image_contract import sample
from tests.e2e.stack import Case, fresh_repository, objects

NAME = "object-detect"
BROKEN = "raise SystemExit('no model for today')\n"


def serving(case: Case, *, image: bool) -> list[dict[str, Any]]:
    """The example's Deployment and Service in the case's namespace; with the published image, or without any."""
    found = list(yaml.safe_load_all((EXAMPLE / "serving.yaml").read_text()))
    for item in found:
        item["metadata"]["namespace"] = case.namespace
        if item["kind"] == "Deployment":
            item["metadata"]["annotations"] = {"uai.ucloud.cn/rollout-from": case.name}
            container = item["spec"]["template"]["spec"]["containers"][0]
            del container["image"]
            if image:
                container["image"] = case.status["image"]["reference"]
    return found


def rolled_out(case: Case, reason: str) -> dict[str, Any]:
    """Waits until the rollout of the published image has ended, with this reason."""

    def look() -> dict[str, Any] | None:
        status = case.status
        condition = next((c for c in status.get("conditions", []) if c["type"] == "RolledOut"), {})
        of_this = status.get("rollout", {}).get("image") == status["image"]["reference"]
        return status if of_this and condition.get("reason") == reason else None

    return case.until(f"RolledOut has the reason {reason}", look)


def image_of(case: Case) -> str:
    found = kubectl.get("-n", case.namespace, "deployment", NAME)
    return found["spec"]["template"]["spec"]["containers"][0]["image"]


@pytest.fixture
def asking(tmp_path: Path) -> Callable[..., Any]:
    """asking(url) -> while it is open, the service is asked; the result has `requests` and `failures` afterwards."""
    picture = tmp_path / "picture.png"
    picture.write_bytes(sample.png())

    @contextmanager
    def ask(url: str) -> Iterator[dict[str, Any]]:
        stop, result = tmp_path / "stop", {}

        def run() -> None:
            asked = run_inside("-m", "tests.e2e.asking", url, str(picture), str(stop), python=Path(sys.executable))
            result.update(json.loads(asked))

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield result
        finally:
            stop.touch()
            thread.join()

    return ask


def test_no_request_fails_while_an_image_is_rolled_out_and_a_broken_one_is_taken_back(case, asking):
    case.spec["build"]["builder"] = "Append"
    case.spec["image"]["repository"] = fresh_repository()
    case.apply()
    case.until_ready()
    first = case.status["image"]["reference"]
    kubectl.apply(*serving(case, image=True))
    case.spec["rollout"] = {"deployment": {"name": NAME, "container": NAME}, "timeout": "2m"}
    case.apply()
    rolled_out(case, "RolledOut")
    kubectl.apply(*serving(case, image=False))
    assert image_of(case) == first

    address = kubectl.get("-n", case.namespace, "service", NAME)["spec"]["clusterIP"]
    with asking(f"http://{address}/service") as result:
        objects({"write": [f"{case.prefix}source/code/added.py", "x = 1\n"]})
        case.request()
        case.until_ready()
        second = rolled_out(case, "RolledOut")["image"]["reference"]
        assert second != first
        assert image_of(case) == second

        objects({"write": [f"{case.prefix}source/code/inference_server.py", BROKEN]})
        case.spec["test"] = {"enabled": False}
        case.spec["rollout"]["timeout"] = "30s"
        case.request()
        case.until_ready()
        status = rolled_out(case, "RolledBack")
        assert status["image"]["reference"] not in {first, second}
        assert image_of(case) == second
        kubectl.kubectl("-n", case.namespace, "rollout", "status", f"deployment/{NAME}", "--timeout=120s")
    print(result)
    assert result["failures"] == []
    assert result["requests"] > 100
    assert "container object-detect: exit code 1" in case.condition("RolledOut")["message"]
