"""install.yaml: the whole installation as manifests for `kubectl apply --server-side`."""

NAME = "inference-image-operator"
NAMESPACE = "inference-image-system"
PLACEHOLDER = "placeholder.invalid/inference-image"
"""The registry of the images when none is given: a reserved name, from which no image can be pulled."""

_NAMESPACE = f"""\
---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""


def header(version: str, registry: str) -> str:
    """The comment at the top; it says what to replace when no registry was given."""
    lines = [
        f"# InferenceImage operator {version}: the namespace, the CRD and the chart with its default values.",
        "# Install and upgrade: kubectl apply --server-side -f install.yaml",
    ]
    if registry == PLACEHOLDER:
        lines.append(f"# Replace {PLACEHOLDER} with the registry that holds the images.")
    return "\n".join(lines) + "\n"


def install(version: str, registry: str, rendered: str) -> str:
    """The document. `rendered` is what `helm template --include-crds` prints."""
    return header(version, registry) + _NAMESPACE + rendered.rstrip("\n") + "\n"
