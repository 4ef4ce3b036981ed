"""The person's rights: what each subcommand of the plugin needs (SelfSubjectAccessReview)."""

from collections.abc import Iterator
from typing import NamedTuple

from inference_image_operator.api import GROUP, PLURAL
from kubectl_inferenceimage.cluster.check.finding import Finding, note, ok
from kubectl_inferenceimage.cluster.connection import Cluster

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_TOPIC = "rights"


class Right(NamedTuple):
    """A right, and the subcommands that lack a part without it."""

    verb: str
    group: str
    resource: str
    subresource: str
    needed_by: str

    @property
    def text(self) -> str:
        """As a sentence has it."""
        return f"{self.verb} {self.resource}{f'/{self.subresource}' if self.subresource else ''}"


RIGHTS = (
    Right("get", GROUP, PLURAL, "", "every subcommand about one object"),
    Right("list", GROUP, PLURAL, "", "get, dashboard, check, report"),
    Right("watch", GROUP, PLURAL, "", "watch, which reads every 5 s without it"),
    Right("patch", GROUP, PLURAL, "", "rebuild, suspend, resume, pin, unpin, cancel"),
    Right("list", "batch", "jobs", "", "describe, dashboard, watch (its estimate), logs --attempt, report, cancel"),
    Right("delete", "batch", "jobs", "", "cancel"),
    Right("list", "", "pods", "", "describe, dashboard, logs, why, report"),
    Right("get", "", "pods", "log", "logs, watch and dashboard (their bars), report"),
    Right("get", "", "pods", "", "try"),
    Right("create", "", "pods", "", "try"),
    Right("delete", "", "pods", "", "try"),
    Right("get", "", "pods", "proxy", "try"),
    Right("create", "", "pods", "proxy", "try"),
    Right("list", "", "events", "", "report"),
)


def check(cluster: Cluster) -> Iterator[Finding]:
    """A finding for each missing right."""
    missing = [right for right in RIGHTS if not _has(cluster, right)]
    for right in missing:
        text = f"You may not {right.text} in {cluster.namespace}."
        yield note(_TOPIC, text, f"Ask for that right. Needed by: {right.needed_by}.")
    if not missing:
        yield ok(_TOPIC, f"You have all rights that the plugin uses in {cluster.namespace}.")


def _has(cluster: Cluster, right: Right) -> bool:
    attributes = {
        "namespace": cluster.namespace,
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes | ({"subresource": right.subresource} if right.subresource else {})},
    }
    answer = cluster.requests.send("ask for your rights", "POST", _REVIEWS, body=body)
    return bool(answer.get("status", {}).get("allowed"))
