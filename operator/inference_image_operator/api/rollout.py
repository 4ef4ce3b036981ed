"""`spec.rollout`: what the published image is handed to, and how far that is."""

from typing import Literal

from inference_image_operator.api.part import GROUP, Part
from inference_image_operator.api.times import Time

ROLLOUT_FROM = f"{GROUP}/rollout-from"
"""Annotation of a target: the name of the InferenceImage that may change its image."""

Kind = Literal["Deployment", "InferenceService", "ConfigMap"]
Phase = Literal["Applying", "Waiting", "RollingBack", "RolledOut", "RolledBack", "NotAvailable", "Replaced"]


class DeploymentTarget(Part, frozen=True, kw_only=True):
    """A container of a Deployment in the InferenceImage's namespace."""

    name: str
    container: str


class InferenceServiceTarget(Part, frozen=True, kw_only=True):
    """The model of a predictor of KServe, in the InferenceImage's namespace."""

    name: str


class ConfigMapTarget(Part, frozen=True, kw_only=True):
    """A key of a ConfigMap in the InferenceImage's namespace, for the tool that deploys."""

    name: str
    key: str = "image"


class RolloutSpec(Part, frozen=True, kw_only=True):
    """Hands the published image over. Exactly one of `deployment`, `inference_service` and `config_map` is set."""

    deployment: DeploymentTarget | None = None
    inference_service: InferenceServiceTarget | None = None
    config_map: ConfigMapTarget | None = None
    timeout: str = "10m"
    """How long a Deployment or InferenceService may take to be available with the image."""

    @property
    def kind(self) -> Kind:
        """The kind of the target."""
        if self.deployment:
            return "Deployment"
        return "InferenceService" if self.inference_service else "ConfigMap"

    @property
    def is_awaited(self) -> bool:
        """Whether the target runs the image itself, so that it has to become available with it."""
        return self.kind != "ConfigMap"

    @property
    def name(self) -> str:
        """The name of the target; empty if none is set."""
        target = self.deployment or self.inference_service or self.config_map
        return target.name if target else ""

    @property
    def field(self) -> str:
        """The container of the Deployment, the field of the InferenceService, or the key of the ConfigMap."""
        if self.deployment:
            return self.deployment.container
        if self.inference_service:
            return "spec.predictor.model.image"
        return self.config_map.key if self.config_map else ""

    @property
    def target(self) -> str:
        """The target for a message, such as `Deployment/server`."""
        return f"{self.kind}/{self.name}"


class RolloutStatus(Part, frozen=True, kw_only=True):
    """The newest rollout. This is the claim, written before the target is changed."""

    input_hash: str
    """Hash of `spec.rollout`, of the image and of the request annotation. Another one begins another rollout."""
    target: str
    image: str
    """`repository@digest`."""
    previous_image: str = ""
    """What the target had before, and gets back if the image is not available in time; empty for nothing."""
    phase: Phase
    start_time: Time
    """When the operator began to set the image, or to put it back; while Waiting, since when the target has it."""
    message: str = ""
    """Why the image before is put back, or how the rollout ended."""
