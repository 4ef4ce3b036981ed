"""What a reconcile needs from Kubernetes."""

from collections.abc import AsyncIterator
from typing import Protocol

from inference_image_operator.api.rollout import Kind
from inference_image_operator.kube.connection import Object
from inference_image_operator.kube.references import References

FIELD_MANAGER = "inference-image-operator"
ROLLOUT_MANAGER = "inference-image-rollout"
"""Owns the image of a rollout's target."""


class Cluster(Protocol):
    """What a reconcile needs from Kubernetes. Every method raises ApiError."""

    async def get_inference_image(self, namespace: str, name: str) -> Object | None:
        """The InferenceImage; None if it does not exist."""

    def list_inference_images(self, namespace: str) -> AsyncIterator[Object]:
        """The InferenceImages of a namespace (empty for all) that this operator selects."""

    async def list_references(self, namespace: str) -> list[References]:
        """What the InferenceImages of a namespace (empty for all) refer to, those of other installations among them.

        At most a few seconds old.
        """

    async def list_jobs(self, namespace: str, selector: str, name: str = "") -> list[Object]:
        """The Jobs with these labels, or the one of them with this name, from a consistent read.

        The API server compares the labels of every Job in the namespace, unless it has a name.
        """

    async def get_job(self, namespace: str, name: str) -> Object | None:
        """The Job with this name; None if it does not exist."""

    async def list_pods(self, namespace: str, selector: str) -> list[Object]:
        """The pods with these labels."""

    async def read_log(self, namespace: str, pod: str, container: str, *, previous: bool) -> str:
        """The last lines of a container's log, of its previous instance if `previous`; empty without a log."""

    async def list_warnings(self, namespace: str) -> list[Object]:
        """The namespace's Events of type Warning, at most a few seconds old."""

    async def apply_status(self, image: Object, status: Object) -> Object:
        """Applies the status if the object has not changed since it was read (409 otherwise). Returns the object."""

    async def create_job(self, manifest: Object) -> None:
        """Creates a Job."""

    async def delete_job(self, namespace: str, name: str, uid: str) -> None:
        """Deletes a Job with its pods, if it still has this UID. An absent Job is not an error."""

    async def get_target(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """The target of a rollout; None if it does not exist. ApiError 404 if its kind is not served."""

    async def apply_image(self, kind: Kind, body: Object) -> None:
        """Applies the image of a target, as a field manager of its own that takes no field from another one."""

    async def create_event(self, event: Object) -> None:
        """Creates an Event. An existing Event is not an error."""
