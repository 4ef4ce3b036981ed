"""`spec.rollout`: what the published image is handed to, and how far that is."""

from typing import Literal

from inference_image_operator.api.part import GROUP, Part
from inference_image_operator.api.times import Time

ROLLOUT_FROM = f"{GROUP}/rollout-from"
"""Annotation of a target: the name of the InferenceImage that may change its image."""

Kind = Literal["Deployment", "ConfigMap"]
Phase = Literal["Applying", "Waiting", "RollingBack", "RolledOut", "RolledBack", "NotAvailable", "Replaced"]


class DeploymentTarget(Part, frozen=True, kw_only=True):
    """A container of a Deployment in the InferenceImage's namespace."""

    name: str
    container: str


class ConfigMapTarget(Part, frozen=True, kw_only=True):
    """A key of a ConfigMap in the InferenceImage's namespace, for the tool that deploys."""

    name: str
    key: str = "image"


class RolloutSpec(Part, frozen=True, kw_only=True):
    """Hands the published image over. Exactly one of `deployment` and `config_map` is set."""

    deployment: DeploymentTarget | None = None
    config_map: ConfigMapTarget | None = None
    timeout: str = "10m"
    """How long a Deployment may take to be available with the image."""

    @property
    def kind(self) -> Kind:
        """The kind of the target."""
        return "Deployment" if self.deployment else "ConfigMap"

    @property
    def name(self) -> str:
        """The name of the target; empty if neither is set."""
        target = self.deployment or self.config_map
        return target.name if target else ""

    @property
    def field(self) -> str:
        """The container of the Deployment, or the key of the ConfigMap."""
        return self.deployment.container if self.deployment else self.config_map.key if self.config_map else ""

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
