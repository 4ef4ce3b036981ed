"""The Test stage's pod: `probe` sends a request to the built image, a sidecar.

What needs the keys of US3 ends before the image starts: the containers of one pod share /etc/hosts, so the image could
send another container elsewhere. `sample` downloads the picture and, with `matchGraph`, the frozen graph, which
`answer` runs before the image: only one model is in memory at a time, and no key is beside a program that is not ours.
"""

from typing import Any

import msgspec

from inference_image_contract import inputs, paths
from inference_image_operator.api import Status, parse_duration
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import ufile_network
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    repository,
    scratch,
    ufile_env,
    ufile_location,
    workspace,
)
from inference_image_operator.jobs.sizing.containers import of_container
from inference_image_operator.jobs.sizing.disk import SMALL
from inference_image_operator.jobs.sizing.resources import of_step, to_dict, with_ephemeral_storage
from inference_image_operator.jobs.stages.export import TMP_OF_GRAPHS, pinned_input_lock, runs_graphs
from inference_image_operator.observed import Observed

START = 15 * 60
"""Seconds for the image pull and the containers before it, beside the timeout of the test."""
END = 1
"""Seconds for the image to end after its test: it has nothing to finish, and Publish waits for it. The least that
Kubernetes takes for a pod that is not to be deleted by force."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """Only `sample` has credentials. The kubelet pulls the image with the push login, which no container gets.

    Raises ValueError if the status has no image to test.
    """
    spec, built = observed.spec, status.built
    if built is None:
        raise ValueError("the status has no image to test")
    push = spec.image.push_secret_ref
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=[*_prepared(observed, status, config), _image(observed, status, built.digest, config)],
            containers=[_probe(observed, config)],
            volumes=[scratch("tmp", SMALL), *_volumes(observed, status, config)],
            pull_secrets=(push.name,) if push else (),
        )
        | {"terminationGracePeriodSeconds": END},
        deadline_seconds=START + parse_duration(spec.test.timeout),
    )


def _volumes(observed: Observed, status: Status, config: Config) -> list[dict[str, Any]]:
    """What `sample` needs, and hands on."""
    test = observed.spec.test
    if not test.sample and not test.match_graph:
        return []
    graph = status.frozen_graph.size if test.match_graph and status.frozen_graph else 0
    compared = [scratch(TMP_OF_GRAPHS, SMALL)] if test.match_graph else []
    return [scratch("workspace", SMALL + graph), *compared, *ufile_network.volumes(config)]


def _prepared(observed: Observed, status: Status, config: Config) -> list[dict[str, Any]]:
    """The containers that end before the image starts."""
    if observed.spec.test.match_graph:
        return _comparing(observed, status, config)
    return [_sample(observed, status, config)] if observed.spec.test.sample else []


def _sample(observed: Observed, status: Status, config: Config) -> dict[str, Any]:
    spec = observed.spec
    etag = status.run.sample_etag if status.run else ""
    work = inputs.SampleInput(ufile=ufile_location(spec, config), sample=spec.test.sample, sample_etag=etag)
    return container(
        "sample",
        config.images.build,
        of_container(spec, status, config, "sample"),
        args=["sample"],
        env=[input_env(work), *ufile_env(spec), *ufile_network.env(config)],
        mounts=[workspace(), *ufile_network.mounts(config)],
    )


def _comparing(observed: Observed, status: Status, config: Config) -> list[dict[str, Any]]:
    """`sample`, with the keys, and `answer`, which runs the graph, without. Both use the export's image."""
    spec, graph, pinned = observed.spec, status.frozen_graph, pinned_input_lock(status)
    if graph is None:
        raise ValueError("the status has no frozen graph to compare with")
    work = inputs.AnswerInput(
        ufile=ufile_location(spec, config),
        input_lock=inputs.InputLockRef(key=pinned.key, sha256=pinned.sha256),
        graph=inputs.StoredFile(key=graph.key, sha256=graph.sha256, size=graph.size),
        input_type=spec.export.input_type,
        sample=spec.test.sample,
        sample_etag=status.run.sample_etag if status.run else "",
    )
    room = SMALL + graph.size
    env = [input_env(work), *ufile_env(spec), *ufile_network.env(config)]
    return [
        container(
            "sample",
            config.images.export,
            with_ephemeral_storage(of_container(spec, status, config, "sample"), room),
            args=["sample"],
            env=env,
            mounts=[workspace(), *ufile_network.mounts(config)],
        ),
        runs_graphs(
            container(
                "answer",
                config.images.export,
                with_ephemeral_storage(of_container(spec, status, config, "answer"), room),
                args=["answer"],
                env=[input_env(work)],
                mounts=[workspace()],
            )
        ),
    ]


def _image(observed: Observed, status: Status, digest: str, config: Config) -> dict[str, Any]:
    """The built image, as in production. It chooses its own user, so it cannot have the restricted settings."""
    return {
        "name": "image",
        "image": f"{repository(observed.spec, status, config)}@{digest}",
        "restartPolicy": "Always",
        "resources": to_dict(with_ephemeral_storage(of_container(observed.spec, status, config, "image"), SMALL)),
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _json(value: object) -> Any:  # noqa: ANN401 - any JSON
    """The value of a text that is JSON; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


def _probe(observed: Observed, config: Config) -> dict[str, Any]:
    spec = observed.spec
    work = inputs.ProbeInput(
        port=spec.test.port,
        ready_path=spec.test.ready_path,
        path=spec.test.path,
        timeout_seconds=parse_duration(spec.test.timeout),
        sample=spec.test.sample,
        status=spec.test.expect.status,
        fields=tuple(inputs.ExpectedField(path=f.path, equals=_json(f.equals)) for f in spec.test.expect.fields),
        match_graph=spec.test.match_graph,
    )
    handed = [workspace(read_only=True)] if spec.test.sample or spec.test.match_graph else []
    return container(
        "probe",
        config.images.build,
        of_step(spec, config, "probe"),
        args=["probe"],
        env=[
            input_env(work),
            {"name": paths.POD_IP_ENV, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        mounts=handed,
    )
