"""What the operator reads of the Jobs, pods and Events of others: these fields, and of a text its beginning.

Anybody who may create a Job can make it a megabyte large, and give it the operator's labels. What is not named here is
skipped while the JSON is read, and takes no memory.
"""

from typing import Any

import msgspec

from inference_image_operator.jobs.job import ANNOTATION_ATTEMPT, ANNOTATION_CONTENT, LABEL_STAGE

MAX_TEXT = 4096
"""Characters of a text: those of the longest termination message that the kubelet writes."""
MAX_ENTRIES = 64
"""Entries of a list of conditions, containers or owners. A pod of ours has fewer than ten containers."""


class Slim(msgspec.Struct, rename="camel", omit_defaults=True):
    """Base of all. A field is absent from the JSON form if the object does not have it."""


class _Owner(Slim):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class _Labels(Slim):
    stage: str = msgspec.field(default="", name=LABEL_STAGE)


class _Annotations(Slim):
    content: str = msgspec.field(default="", name=ANNOTATION_CONTENT)
    attempt: str = msgspec.field(default="", name=ANNOTATION_ATTEMPT)


class _Metadata(Slim):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: _Labels | None = None
    annotations: _Annotations | None = None
    owner_references: list[_Owner] | None = None


class _Condition(Slim):
    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: str | None = None


class _JobStatus(Slim):
    conditions: list[_Condition] | None = None
    ready: int | None = None
    start_time: str | None = None


class SlimJob(Slim):
    """A Job."""

    metadata: _Metadata
    status: _JobStatus | None = None


class _Waiting(Slim):
    reason: str = ""
    message: str = ""


class _Running(Slim):
    started_at: str | None = None


class _Terminated(Slim):
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    started_at: str | None = None
    finished_at: str | None = None


class _State(Slim):
    waiting: _Waiting | None = None
    running: _Running | None = None
    terminated: _Terminated | None = None


class _ContainerStatus(Slim):
    name: str = ""
    restart_count: int = 0
    state: _State | None = None
    last_state: _State | None = None


class _PodStatus(Slim):
    phase: str = ""
    message: str = ""
    conditions: list[_Condition] | None = None
    init_container_statuses: list[_ContainerStatus] | None = None
    container_statuses: list[_ContainerStatus] | None = None


class _InitContainer(Slim):
    name: str = ""
    restart_policy: str | None = None


class _SpecContainer(Slim):
    name: str = ""
    image: str = ""


class _Volume(Slim):
    name: str = ""


class _PodSpec(Slim):
    init_containers: list[_InitContainer] | None = None
    containers: list[_SpecContainer] | None = None
    volumes: list[_Volume] | None = None


class SlimPod(Slim):
    """A pod."""

    metadata: _Metadata
    spec: _PodSpec
    status: _PodStatus | None = None


class _Involved(Slim):
    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""
    field_path: str = ""


class _Series(Slim):
    last_observed_time: str | None = None


class SlimEvent(Slim):
    """An Event; in a watch also a bookmark."""

    metadata: _Metadata
    involved_object: _Involved | None = None
    reason: str = ""
    message: str = ""
    last_timestamp: str | None = None
    event_time: str | None = None
    series: _Series | None = None


class ListMetadata(Slim):
    """Where the next page begins."""

    continue_: str = msgspec.field(default="", name="continue")


def short(found: Slim) -> dict[str, Any]:
    """The JSON form, with its texts and lists cut."""
    cut: dict[str, Any] = _cut(msgspec.to_builtins(found))
    return cut


def _cut(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case str():
            return value[:MAX_TEXT]
        case list():
            return [_cut(item) for item in value[:MAX_ENTRIES]]
        case dict():
            return {name: _cut(item) for name, item in value.items()}
    return value
