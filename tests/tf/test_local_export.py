"""The plugin's export: the Job's stage in a separate process on this machine."""

import pytest

from inference_image_contract.paths import PRIVATE_KEY_ENV, PUBLIC_KEY_ENV
from inference_image_store import found_graph
from kubectl_inferenceimage.errors import CommandError
from kubectl_inferenceimage.local.export import export
from tests.tf.conftest import PRIVATE_KEY, PUBLIC_KEY, World

KEYS = {PUBLIC_KEY_ENV: PUBLIC_KEY, PRIVATE_KEY_ENV: PRIVATE_KEY}


def test_the_graph_is_in_ufile_as_the_job_leaves_it(world: World) -> None:
    graph = export(world.stage, KEYS).graph
    assert graph == found_graph(world.store, world.stage.output_prefix, world.input_lock.fingerprint)


def test_a_failure_is_reported_with_its_reason(world: World) -> None:
    broken = world.replaced("pipeline.config", b"model { unknown_field: 1 }")
    with pytest.raises(CommandError, match=r"The export failed\. [A-Z][A-Za-z]+: .+\.") as failed:
        export(broken.stage, KEYS)
    assert PRIVATE_KEY not in str(failed.value)


def test_rejected_credentials_are_not_printed(world: World) -> None:
    with pytest.raises(CommandError, match="UFileForbidden") as failed:
        export(world.stage, KEYS | {PRIVATE_KEY_ENV: "another-key"})
    assert "another-key" not in str(failed.value)
