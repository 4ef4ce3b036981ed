"""kubectl inferenceimage against a real API server, with an administrator's kubeconfig."""

from collections.abc import Callable

import pytest

from inference_image_operator.api.stages import Stage
from kubectl_inferenceimage.__main__ import main
from tests.loop.pipeline import Pipeline

Run = Callable[..., str]


@pytest.fixture
def run(plane, pipeline, capsys) -> Run:
    """What a subcommand prints about the pipeline's object."""

    def call(command: str, *options: str) -> str:
        where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
        code = main([command, pipeline.name, *where, *options])
        said = capsys.readouterr()
        assert code == 0, said.err
        return said.out

    return call


def test_suspend_resume_and_rebuild(pipeline: Pipeline, run: Run) -> None:
    pipeline.apply()
    pipeline.run_whole()
    run("suspend")
    pipeline.until_condition("Suspended", "True", "Suspended")
    run("resume")
    pipeline.until("no longer suspended", lambda: "Suspended" not in pipeline.conditions)
    run("rebuild")
    pipeline.claimed(Stage.RESOLVE)


def test_describe_and_history(pipeline: Pipeline, run: Run) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    pod = pipeline.pod(job)
    shown = run("describe")
    assert f"Job {job['metadata']['name']}" in shown
    assert f"Pod {pod['metadata']['name']}: Pending" in shown
    assert "has published nothing" in run("history")
    pipeline.run_whole()
    digest = pipeline.image["status"]["image"]["digest"]
    assert digest in run("history")
    assert f"@{digest}" in run("describe")


def test_what_does_not_exist_is_named(plane, pipeline: Pipeline, capsys) -> None:
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
    assert main(["describe", "other", *where]) == 1
    assert capsys.readouterr().err == f"Cannot read InferenceImage {pipeline.namespace}/other: it does not exist.\n"
    assert main(["describe", "other", *where, "--context", "none"]) == 1
    assert "The kubeconfig has no context none." in capsys.readouterr().err
    assert main(["describe", "other", "--kubeconfig", "/nonexistent"]) == 1
    assert "Set KUBECONFIG or --kubeconfig to a kubeconfig." in capsys.readouterr().err
