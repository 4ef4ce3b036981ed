"""The Export stage's pod: makes a verified frozen graph from a checkpoint or an imported graph."""

from typing import Any

from inference_image_contract import inputs
from inference_image_operator.api import ONNX, InputLockStatus, Status, parse_duration
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import ufile_network
from inference_image_operator.jobs.pod import (
    TMP,
    StagePod,
    container,
    input_env,
    pod_spec,
    scratch,
    ufile_env,
    ufile_location,
    workspace,
)
from inference_image_operator.jobs.sizing import disk as sizes
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import with_ephemeral_storage
from inference_image_operator.observed import Observed

TMP_OF_GRAPHS = "tmp-of-graphs"


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """`download` and `upload` have the keys of US3 (formerly UFile); `export`, which runs graphs, has none.

    `export` has a /tmp of its own too, so the only way to `upload` are the files in the workspace, which `upload`
    mistrusts. The two that transfer files have the resources of `assemble`, which transfers the same files.
    """
    spec = observed.spec
    pinned = pinned_input_lock(status)
    timeout = parse_duration(spec.export.timeout)
    work = inputs.ExportInput(
        ufile=ufile_location(spec, config),
        input_lock=inputs.InputLockRef(key=pinned.key, sha256=pinned.sha256),
        input_type=spec.export.input_type,
        formats=spec.export.other_formats,
        readable_by=spec.export.readable_by,
        output_prefix=spec.export.output_prefix,
        timeout_seconds=timeout,
    )
    files = status.checkpoint.files if status.checkpoint else ()
    disk = sizes.export(max(pinned.context_bytes, sum(item.size for item in files)))
    image = config.images.export_onnx if ONNX in spec.export.formats else config.images.export
    resources = with_ephemeral_storage(of_container(spec, status, config, "export"), disk)
    transfer = with_ephemeral_storage(of_container(spec, status, config, "download"), disk)
    env = [input_env(work), *ufile_env(spec), *ufile_network.env(config)]
    mounts = ufile_network.mounts(config)
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[
                container("download", image, transfer, args=["download"], env=env, mounts=[workspace(), *mounts]),
                runs_graphs(
                    container("export", image, resources, args=["export"], env=[input_env(work)], mounts=[workspace()])
                ),
            ],
            containers=[
                container(
                    "upload",
                    image,
                    transfer,
                    args=["upload"],
                    env=env,
                    mounts=[workspace(read_only=True), *mounts],
                )
            ],
            volumes=[
                scratch("tmp", sizes.SMALL),
                scratch(TMP_OF_GRAPHS, disk),
                scratch("workspace", disk),
                *ufile_network.volumes(config),
            ],
        ),
        deadline_seconds=timeout,
    )


def runs_graphs(found: dict[str, Any]) -> dict[str, Any]:
    """A container for graphs: a /tmp of its own, and nothing that it printed reaches the status."""
    _, *mounts = found["volumeMounts"]
    own = TMP | {"name": TMP_OF_GRAPHS}
    return found | {"volumeMounts": [own, *mounts], "terminationMessagePolicy": "File"}


def pinned_input_lock(status: Status) -> InputLockStatus:
    """The input lock of this run.

    Raises ValueError if the Resolve stage has not reported yet.
    """
    if status.input_lock is None:
        raise ValueError("the status has no input lock yet")
    return status.input_lock
