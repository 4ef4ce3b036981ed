"""The pods of the Jobs: resources, labels, where they run."""

import msgspec

from inference_image_operator.config.section import Section, seconds


class PullSecret(Section, frozen=True, kw_only=True):
    """A Secret in the InferenceImage's namespace for pulling the images of the steps."""

    name: str


class ContainerResources(Section, frozen=True, kw_only=True):
    """Requests and limits of one container, as in a pod."""

    requests: dict[str, str | int] = msgspec.field(default_factory=dict)
    limits: dict[str, str | int] = msgspec.field(default_factory=dict)


def _resources(cpu: str, memory: str, cpu_limit: str, memory_limit: str) -> ContainerResources:
    """Both requests and limits, so that neither a quota nor the defaults of a LimitRange refuse the pod."""
    return ContainerResources(
        requests={"cpu": cpu, "memory": memory}, limits={"cpu": cpu_limit, "memory": memory_limit}
    )


class ContainerDefaults(Section, frozen=True, kw_only=True):
    """Resources of each container, unless the InferenceImage sets them."""

    resolve: ContainerResources = _resources("100m", "128Mi", "1", "256Mi")
    export: ContainerResources = _resources("1", "2Gi", "4", "4Gi")
    assemble: ContainerResources = _resources("100m", "128Mi", "2", "256Mi")
    kaniko: ContainerResources = _resources("500m", "512Mi", "4", "2Gi")
    append: ContainerResources = _resources("500m", "64Mi", "4", "128Mi")
    report: ContainerResources = _resources("50m", "64Mi", "1", "128Mi")
    probe: ContainerResources = _resources("50m", "64Mi", "1", "128Mi")
    publish: ContainerResources = _resources("50m", "64Mi", "1", "128Mi")
    image: ContainerResources = _resources("500m", "1Gi", "4", "3Gi")


class Maximum(Section, frozen=True, kw_only=True):
    """The maximum requests and limits of one container."""

    cpu: str | int = "8"
    memory: str | int = "16Gi"
    ephemeral_storage: str | int = "100Gi"


class PodMetadata(Section, frozen=True, kw_only=True):
    """Labels and annotations of every pod."""

    labels: dict[str, str] = msgspec.field(default_factory=dict)
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Jobs(Section, frozen=True, kw_only=True):
    """Settings of the Jobs' pods."""

    image_pull_secrets: tuple[PullSecret, ...] = ()
    node_selector: dict[str, str] = msgspec.field(default_factory=lambda: {"kubernetes.io/arch": "amd64"})
    """Overrides the node selector of an InferenceImage."""
    pod_metadata: PodMetadata = PodMetadata()
    """Overrides the labels and annotations of an InferenceImage."""
    resources: ContainerDefaults = ContainerDefaults()
    maximum: Maximum = Maximum()
    build_user_namespaces: bool = False
    """Whether the pods of Build have user namespaces of their own, so that root in them is nobody on the node."""
    pending_deadline: str = "10m"
    """A pod that does not start within this time sets Stalled."""

    def __post_init__(self) -> None:
        """Rejects a deadline that is not a duration."""
        seconds("jobs.pendingDeadline", self.pending_deadline)
