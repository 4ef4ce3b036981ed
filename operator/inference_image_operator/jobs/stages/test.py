"""The Test stage's pod: `probe` sends a request to the built image, a sidecar; then `publish` moves the tags.

With `matchGraph`, `sample` downloads the frozen graph and `answer` runs it first, so that only one model is in memory
at a time, and no key is beside a graph that runs.
"""

from typing import Any

import msgspec

from inference_image_contract import inputs, paths, tags
from inference_image_operator.api import Status, parse_duration
from inference_image_operator.config.installation import Config
from inference_image_operator.jobs import ufile_network
from inference_image_operator.jobs.pod import (
    StagePod,
    container,
    input_env,
    pod_spec,
    registry,
    registry_mounts,
    registry_volumes,
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

MAX_REFERENCED = 8000
"""More digests than this do not fit into the environment variable. Retention then deletes nothing."""
START = 15 * 60
"""Seconds for the image pull and the last container, beside the timeout of the test."""


def pod(observed: Observed, status: Status, config: Config) -> StagePod:
    """The sidecar has no credentials, `probe` the keys of US3 (formerly UFile), `publish` the registry login."""
    spec, built = observed.spec, status.built
    if built is None:
        raise ValueError("the status has no image to test")
    publish = container(
        "publish",
        config.images.build,
        of_step(spec, config, "publish"),
        args=["publish"],
        env=[input_env(publish_input(observed, status, config))],
        mounts=registry_mounts(spec),
    )
    push = spec.image.push_secret_ref
    return StagePod(
        spec=pod_spec(
            observed,
            config,
            init=_asking(observed, status, built.digest, config) if spec.test.enabled else [],
            containers=[publish],
            volumes=[
                scratch("tmp", SMALL),
                *registry_volumes(spec),
                *_compared(observed, status),
                *(ufile_network.volumes(config) if _reads_ufile(observed) else []),
            ],
            pull_secrets=(push.name,) if push else (),
        ),
        deadline_seconds=START + parse_duration(spec.test.timeout),
    )


def publish_input(observed: Observed, status: Status, config: Config) -> inputs.PublishInput:
    """The input of `publish`.

    Raises ValueError if the status has no image or no checkpoint.
    """
    spec, built, checkpoint = observed.spec, status.built, status.checkpoint
    if built is None or checkpoint is None:
        raise ValueError("the status has no image or no checkpoint to publish")
    return inputs.PublishInput(
        registry=registry(spec, status, config),
        digest=built.digest,
        tags=tags.render(spec.image.tags, checkpoint.step, status.content_hash),
        refuse_moves=spec.image.tag_policy == "Refuse",
        retention=_retention(observed, config),
    )


def _retention(observed: Observed, config: Config) -> inputs.Retention | None:
    """The retention settings; None if the installation keeps all tags, or if the referenced digests are unknown."""
    keep, used = config.registries.keep_content_tags, observed.referenced_digests
    if not keep or used is None or len(used.current) + len(used.history) > MAX_REFERENCED:
        return None
    return inputs.Retention(
        keep=keep,
        current=_prefixes(used.current),
        history=_prefixes(used.history),
        delete_images=config.registries.delete_images,
    )


def _prefixes(names: tuple[str, ...]) -> tuple[str, ...]:
    """The prefixes by which retention compares digests, from `sha256:<hex>`."""
    return tuple(name.removeprefix("sha256:")[: inputs.DIGEST_PREFIX] for name in names)


def _matches(observed: Observed) -> bool:
    return observed.spec.test.enabled and observed.spec.test.match_graph


def _reads_ufile(observed: Observed) -> bool:
    return observed.spec.test.enabled and bool(observed.spec.test.sample or observed.spec.test.match_graph)


def _compared(observed: Observed, status: Status) -> list[dict[str, Any]]:
    """The volumes of the comparison with the graph."""
    if not _matches(observed):
        return []
    graph = status.frozen_graph.size if status.frozen_graph else 0
    return [scratch("workspace", SMALL + graph), scratch(TMP_OF_GRAPHS, SMALL)]


def _asking(observed: Observed, status: Status, digest: str, config: Config) -> list[dict[str, Any]]:
    asked = [_image(observed, status, digest, config), _probe(observed, config)]
    return [*_comparing(observed, status, config), *asked] if _matches(observed) else asked


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
        ufile=ufile_location(spec, config) if spec.test.sample else None,
        status=spec.test.expect.status,
        fields=tuple(inputs.ExpectedField(path=f.path, equals=_json(f.equals)) for f in spec.test.expect.fields),
        match_graph=spec.test.match_graph,
    )
    compared = [workspace(read_only=True)] if spec.test.match_graph else []
    return container(
        "probe",
        config.images.build,
        of_step(spec, config, "probe"),
        args=["probe"],
        env=[
            input_env(work),
            {"name": paths.POD_IP_ENV, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            *([*ufile_env(spec), *ufile_network.env(config)] if spec.test.sample else []),
        ],
        mounts=[*compared, *(ufile_network.mounts(config) if spec.test.sample else [])],
    )
