"""The Export stage's pod: makes a verified frozen graph from a checkpoint or an imported graph."""

from inference_image_contract import inputs
from inference_image_operator.api import ONNX, InputLockStatus, Status, parse_duration
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import ufile_network
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    scratch,
    ufile_env,
    ufile_location,
)
from inference_image_operator.jobs.sizing import disk as sizes
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.resources import with_ephemeral_storage
from inference_image_operator.observed import Observed


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """One restricted container with the keys of US3 (formerly UFile) and without a registry login."""
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
    export = container(
        "export",
        config.images.export_onnx if ONNX in spec.export.formats else config.images.export,
        with_ephemeral_storage(of_container(spec, status, config, "export"), disk),
        env=[input_env(work), *ufile_env(spec), *ufile_network.env(config)],
        mounts=ufile_network.mounts(config),
    )
    return StagePod(
        spec=pod_spec(
            observed, config, containers=[export], volumes=[scratch("tmp", disk), *ufile_network.volumes(config)]
        ),
        deadline_seconds=timeout,
    )


def pinned_input_lock(status: Status) -> InputLockStatus:
    """The input lock of this run.

    Raises ValueError if the Resolve stage has not reported yet.
    """
    if status.input_lock is None:
        raise ValueError("the status has no input lock yet")
    return status.input_lock
