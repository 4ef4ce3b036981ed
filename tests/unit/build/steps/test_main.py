"""The program: one argument, one result for the kubelet, an exit code of the contract, no secret anywhere."""

import json
import os
import subprocess
import sys

import msgspec
import pytest

from inference_image_build import __main__ as program
from inference_image_build.steps.probe import step as probe_step
from inference_image_contract import inputs, paths, results
from inference_image_contract.reasons import ExitCode

ROW_50 = pytest.mark.row(50, "canary secrets in every credential")


@pytest.fixture
def result(tmp_path, monkeypatch):
    """The file in place of the termination message."""
    path = tmp_path / "result"
    monkeypatch.setenv(paths.RESULT_ENV, str(path))
    return path


@pytest.mark.parametrize("arguments", [[], ["unknown"], ["resolve", "more"]])
def test_the_argument_must_be_one_known_step(arguments, capsys):
    assert program.main(arguments) == ExitCode.BAD_INPUT
    assert "resolve|assemble|pull|depot|append|report|sample|probe|publish" in capsys.readouterr().err


@pytest.mark.parametrize(("told", "address"), [("10.0.0.7", "10.0.0.7"), ("fd00::7", "fd00::7"), ("", "detector-test")])
def test_the_probe_asks_at_the_pods_address(told, address, result, monkeypatch):
    """A node that does not tell the address (a virtual one) still maps the host name to it."""
    asked, done = [], results.Probed(ready_seconds=0, answer_seconds=0)
    work = inputs.ProbeInput(port=1, ready_path="/r", path="/p", timeout_seconds=1)
    monkeypatch.setenv(paths.INPUT_ENV, inputs.encode(work))
    monkeypatch.setenv(paths.POD_IP_ENV, told)
    monkeypatch.setattr(program.socket, "gethostname", lambda: "detector-test")
    monkeypatch.setattr(probe_step, "probe", lambda _, where, *__: asked.append(where) or done)
    assert program.main(["probe"]) == ExitCode.OK
    assert asked == [address]


@pytest.mark.parametrize("step", ["resolve", "assemble", "pull", "report", "sample", "probe", "publish"])
def test_a_missing_input_is_explained(step, result, monkeypatch):
    monkeypatch.delenv(paths.INPUT_ENV, raising=False)
    assert program.main([step]) == ExitCode.BAD_INPUT
    assert json.loads(result.read_bytes())["reason"] == "InvalidInput"


@ROW_50
def test_resolve_as_a_process_leaks_no_secret(pipeline, registry_server, tmp_path):
    """The whole program with a wrong registry: the result has the reason and no credential."""
    output = tmp_path / "termination-log"
    step_input = pipeline.input(registry=inputs.Registry(repository=f"{registry_server.host}/demo/infer"))
    environment = {
        "PATH": os.environ["PATH"],
        paths.INPUT_ENV: inputs.encode(step_input),
        paths.RESULT_ENV: str(output),
        paths.PUBLIC_KEY_ENV: "TOKEN_public_1",
        paths.PRIVATE_KEY_ENV: "canary-private-key-1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "inference_image_build", "resolve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    document = json.loads(output.read_bytes())
    assert document["reason"] == "RegistryTLS", done.stderr
    assert done.returncode == ExitCode.BAD_INPUT
    assert document["hint"]
    assert document["peakMemoryBytes"] > 0
    for secret in ("canary-private-key-1", "TOKEN_public_1"):
        assert secret not in done.stdout + done.stderr + output.read_text()


@ROW_50
def test_every_secret_is_redacted(result, monkeypatch, tmp_path, capsys):
    auth = tmp_path / "config.json"
    auth.write_text('{"auths": {"h.example": {"username": "u", "password": "canary-password"}}}')
    monkeypatch.setattr(paths, "REGISTRY_AUTH", str(auth))
    monkeypatch.setenv(paths.PRIVATE_KEY_ENV, "canary-private")
    monkeypatch.setenv(paths.SECURITY_TOKEN_ENV, "AAH/canary=temporary")

    def leak():
        raise RuntimeError("canary-password canary-private AAH/canary=temporary dTpjYW5hcnktcGFzc3dvcmQ=")

    monkeypatch.setattr(program, "STEPS", {"resolve": leak})
    assert program.main(["resolve"]) == ExitCode.INTERNAL
    everything = result.read_text() + capsys.readouterr().err
    assert "canary" not in everything
    assert "dTpjYW5hcnk" not in everything


def test_the_step_explains_an_unreadable_credentials_file(result, monkeypatch, tmp_path):
    auth = tmp_path / "config.json"
    auth.write_text("not JSON")
    monkeypatch.setattr(paths, "REGISTRY_AUTH", str(auth))
    step_input = inputs.ReportInput(registry=inputs.Registry(repository="h.example/a"), content_tag="t")
    monkeypatch.setenv(paths.INPUT_ENV, inputs.encode(step_input))
    assert program.main(["report"]) == ExitCode.BAD_INPUT
    assert "dockerconfigjson" in json.loads(result.read_bytes())["message"]


@pytest.fixture
def picture(tmp_path, monkeypatch):
    """Where `sample` leaves the picture for `probe`."""
    monkeypatch.setattr(paths, "PICTURE", str(tmp_path / "sample" / "sample"))


def sample_for_the_probe(monkeypatch, location, etag: str) -> ExitCode:
    """Runs `sample` with the keys, and takes them away again."""
    work = inputs.SampleInput(ufile=location, sample="uai/sample.png", sample_etag=etag)
    with monkeypatch.context() as here:
        here.setenv(paths.PUBLIC_KEY_ENV, "TOKEN_public_1")
        here.setenv(paths.PRIVATE_KEY_ENV, "canary-private-key-1")
        here.setenv(paths.INPUT_ENV, inputs.encode(work))
        return program.main(["sample"])


@pytest.mark.usefixtures("picture")
def test_another_sample_than_the_pinned_one_is_refused(result, monkeypatch, store, location):
    etag = store.write(b"picture", "uai/sample.png").etag
    store.write(b"another", "uai/sample.png")
    assert sample_for_the_probe(monkeypatch, location, etag) == ExitCode.SOURCE_CHANGED
    assert json.loads(result.read_bytes())["reason"] == "SourceChanged"


@pytest.mark.usefixtures("picture")
def test_the_probe_sends_the_sample_without_a_key(result, monkeypatch, serve, store, location):
    etag = store.write(b"picture", "uai/sample.png").etag
    assert sample_for_the_probe(monkeypatch, location, etag) == ExitCode.OK
    assert json.loads(result.read_bytes())["size"] == len(b"picture")
    seen = []

    def handle(request):
        seen.append(request.rfile.read(int(request.headers.get("Content-Length", 0))))
        request.send_response(200)
        request.send_header("Content-Length", "2")
        request.end_headers()
        request.wfile.write(b"{}")

    step_input = inputs.ProbeInput(
        port=serve(handle), ready_path="/r", path="/p", timeout_seconds=5, sample="uai/sample.png"
    )
    monkeypatch.setenv(paths.INPUT_ENV, inputs.encode(step_input))
    assert program.main(["probe"]) == ExitCode.OK
    assert seen == [b"", b"picture", b""], "ready, the picture, what it takes"
    assert msgspec.json.decode(result.read_bytes())["readySeconds"] >= 0


def test_libraries_of_single_steps_are_loaded_only_when_needed():
    single = ("dulwich", "paramiko", "google.protobuf", "dockerfile")
    loaded = f"import sys, inference_image_build.__main__; print({{*{single}}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
