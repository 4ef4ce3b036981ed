"""The Secrets that objects name: whether they exist, with the keys that the Jobs use. Values are dropped at once."""

from collections.abc import Iterator, Mapping, Sequence

from inference_image_operator.api import Spec
from kubectl_inferenceimage.cluster.check.finding import Finding, fault, ok, unknown
from kubectl_inferenceimage.cluster.connection import Cluster
from kubectl_inferenceimage.cluster.requests import ForbiddenError, MissingError

_TOPIC = "Secrets"


def check(cluster: Cluster, specs: Mapping[str, Spec]) -> Iterator[Finding]:
    """A finding for each Secret. `specs` are those of the objects, by name."""
    wanted: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, spec in specs.items():
        for secret, field, keys in named(spec):
            there = wanted.get(secret, ("", ()))[1]
            wanted[secret] = (f"{field} of {name}", tuple(dict.fromkeys((*there, *keys))))
    for secret, (named_by, keys) in wanted.items():
        try:
            found = _keys(cluster, secret)
        except ForbiddenError as error:
            yield unknown(_TOPIC, str(error))
        except MissingError:
            text = f"There is no Secret {cluster.namespace}/{secret}, which {named_by} names."
            yield fault(_TOPIC, text, "Create it: docs/guides/usage.md#before-the-first-one")
        else:
            yield _verdict(f"Secret {cluster.namespace}/{secret} ({named_by})", found, keys)


def named(spec: Spec) -> Iterator[tuple[str, str, Sequence[str]]]:
    """Each Secret that a spec names, its field, and the keys that it must have. Pure."""
    yield spec.ufile.secret_ref.name, "spec.ufile.secretRef", ("publicKey", "privateKey")
    if spec.image.push_secret_ref:
        yield spec.image.push_secret_ref.name, "spec.image.pushSecretRef", (".dockerconfigjson",)
    if spec.image.ca_secret_ref:
        yield spec.image.ca_secret_ref.name, "spec.image.caSecretRef", ("ca.crt",)
    if spec.source.git and spec.source.git.secret_ref:
        yield spec.source.git.secret_ref.name, "spec.source.git.secretRef", ()


def _keys(cluster: Cluster, name: str) -> frozenset[str]:
    path = f"/api/v1/namespaces/{cluster.namespace}/secrets/{name}"
    return frozenset(cluster.requests.send(f"read Secret {cluster.namespace}/{name}", "GET", path).get("data") or {})


def _verdict(what: str, found: frozenset[str], keys: Sequence[str]) -> Finding:
    missing = [key for key in keys if key not in found]
    if missing:
        text = f"{what} has no key {', '.join(missing)}. Its keys: {', '.join(sorted(found)) or 'none'}."
        return fault(_TOPIC, text, "Create it again with these keys: docs/guides/usage.md#before-the-first-one")
    return ok(_TOPIC, f"{what} has {', '.join(sorted(found))}.")
