"""What `helm test` runs, with an account that has no role, and the log of a run as JSON."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from inference_image_operator.runtime import installed
from tests.loop.api import kubeconfig
from tests.loop.conftest import Operator
from tests.loop.pipeline import Pipeline


@pytest.fixture
def no_rights(plane, api, namespace, tmp_path) -> Path:
    """The kubeconfig of an account without a role."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "test"}}
    api.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    path = tmp_path / "no-rights"
    path.write_text(json.dumps(kubeconfig(api.token(namespace, "test"), plane.url, plane.ca)))
    return path


def asked(operator: Operator, account: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", installed.__name__, f"http://127.0.0.1:{operator.port}", *words]
    environment = {**os.environ, "KUBECONFIG": str(account)}
    return subprocess.run(program, env=environment, capture_output=True, text=True, check=False)


def test_an_account_without_rights_sees_that_the_operator_works(operator, no_rights):
    ended = asked(operator, no_rights)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "The operator runs, and the API server serves InferenceImages.\n"


def test_it_says_what_does_not_work(plane, api, namespace, tmp_path, no_rights):
    stopped = Operator(plane, api, namespace, tmp_path)
    ended = asked(stopped, no_rights, "0")
    live, ready = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert live.startswith("The operator's /healthz says: Cannot connect to host ")
    assert ready.endswith("Read its log.")


def test_every_line_of_a_run_is_json_and_names_its_object(plane, api, namespace, tmp_path):
    operator = Operator(plane, api, namespace, tmp_path).start(options=["--log-level=DEBUG", "--log-format=json"])
    try:
        pipeline = Pipeline(api, namespace, operator)
        pipeline.apply()
        pipeline.run_whole()
    finally:
        operator.stop()
    lines = [json.loads(line) for line in operator.log.splitlines()]
    assert all({"timestamp", "level", "event", "logger"} <= line.keys() for line in lines)
    about = [line for line in lines if "object" in line]
    assert {(line["namespace"], line["object"]) for line in about} == {(namespace, "detector")}
    assert {line.get("stage") for line in about} >= {"Resolve", "Export", "Build", "Test", "Publish"}
    assert {line["logger"].split(".")[0] for line in lines} >= {"kopf", "inference_image_operator"}
