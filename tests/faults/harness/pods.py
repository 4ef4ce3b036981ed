"""How KWOK simulates the pods: Running at once, then the end that their namespace's annotations set for the stage.

An admission policy of the API server writes the outcome onto each new pod, and binds the pod to the only node, or to
the node that the namespace names. So an outcome never changes for an existing pod, and no scheduler is needed.
"""

from collections.abc import Mapping
from typing import Any

PREFIX = "faults.test"
NODE = "kwok"
HOLD = "hold"
"""An outcome: the pod runs and does not end."""

PEND = "pend"
"""An outcome: the pod does not start."""

Document = dict[str, Any]


def outcome(stage: str, message: str, code: int = 0) -> dict[str, str]:
    """Annotations of a namespace: pods of this stage end with this exit code and termination message."""
    return {f"{PREFIX}/{stage}.exit": str(code), f"{PREFIX}/{stage}.message": message}


def hold(stage: str) -> dict[str, str]:
    """Annotations of a namespace: pods of this stage run and do not end."""
    return {f"{PREFIX}/{stage}.exit": HOLD, f"{PREFIX}/{stage}.message": ""}


def pend(stage: str) -> dict[str, str]:
    """Annotations of a namespace: pods of this stage stay Pending."""
    return {f"{PREFIX}/{stage}.exit": PEND, f"{PREFIX}/{stage}.message": ""}


def on_node(name: str) -> dict[str, str]:
    """Annotations of a namespace: its pods run on this node, which KWOK simulates only if it is the usual one."""
    return {f"{PREFIX}/node": name}


def released(message: str, code: int = 0) -> dict[str, str]:
    """Annotations of a held or pending pod: it continues and ends like this."""
    return {f"{PREFIX}/exit": str(code), f"{PREFIX}/message": message}


def policy(stage_label: str) -> list[Document]:
    """The admission policy and its binding; `stage_label` is the label with a pod's stage."""
    name = f"outcome.{PREFIX}"

    def stamp(what: str, default: str) -> str:
        note = f'variables.notes[?("{PREFIX}/" + variables.stage + ".{what}")].orValue("{default}")'
        return f'"{PREFIX}/{what}": {note}'

    node = f'variables.notes[?"{PREFIX}/node"].orValue("{NODE}")'
    expression = (
        f"Object{{spec: Object.spec{{nodeName: {node}}}, metadata: Object.metadata{{annotations: "
        f"{{{stamp('exit', '0')}, {stamp('message', '')}}}}}}}"
    )
    api = {"apiVersion": "admissionregistration.k8s.io/v1beta1"}
    return [
        api
        | {
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {
                    "resourceRules": [
                        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
                    ]
                },
                "variables": [
                    {"name": "stage", "expression": f'object.metadata.?labels["{stage_label}"].orValue("pod")'},
                    {"name": "notes", "expression": "namespaceObject.metadata.?annotations.orValue({})"},
                ],
                "mutations": [
                    {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}},
                ],
            },
        },
        api
        | {
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    ]


def stages() -> list[Document]:
    """KWOK's configuration: one node, and the lifecycle of a pod."""
    code = f'.metadata.annotations["{PREFIX}/exit"]'
    pod = {"apiGroup": "v1", "kind": "Pod"}
    alive = _where(".metadata.deletionTimestamp", "DoesNotExist")
    dying = _where(".metadata.deletionTimestamp", "Exists")
    pending = _where(".status.phase", "In", "Pending")
    running = _where(".status.phase", "In", "Running")
    return [
        _stage("node-ready", {"apiGroup": "v1", "kind": "Node"}, [_where(".status.phase", "NotIn", "Running")], _NODE),
        _stage("pod-runs", pod, [alive, pending, _where(code, "NotIn", PEND)], _RUNNING),
        _stage("pod-succeeds", pod, [alive, running, _where(code, "In", "0")], _ended("Succeeded"), delay=100),
        _stage("pod-fails", pod, [alive, running, _where(code, "NotIn", "0", HOLD, PEND)], _ended("Failed"), delay=100),
        # A deleted pod terminates before it disappears: the Job controller waits for that.
        _stage("pod-stops", pod, [dying, _where(".status.phase", "In", "Pending", "Running")], _ended("Failed", "137")),
        _stage("pod-goes", pod, [dying, _where(".status.phase", "In", "Succeeded", "Failed")], None),
    ]


def _where(key: str, operator: str, *values: str) -> Document:
    return {"key": key, "operator": operator} | ({"values": [*values]} if values else {})


def _stage(
    name: str, resource: Mapping[str, str], where: list[Document], template: str | None, delay: int = 0
) -> Document:
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": dict(resource),
            "selector": {"matchExpressions": where},
            "delay": {"durationMilliseconds": delay},
            "next": {"delete": True} if template is None else {"statusTemplate": template},
        },
    }


_NODE = """
conditions:
{{ range NodeConditions }}
- {lastHeartbeatTime: {{ Now | Quote }}, lastTransitionTime: {{ Now | Quote }}, message: {{ .message | Quote }},
   reason: {{ .reason | Quote }}, status: {{ .status | Quote }}, type: {{ .type | Quote }}}
{{ end }}
allocatable: {cpu: 1k, memory: 1Ti, pods: 1M}
capacity: {cpu: 1k, memory: 1Ti, pods: 1M}
phase: Running
"""

_RUNNING = """
{{ $now := Now }}
conditions:
- {type: Initialized, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: Ready, status: "True", lastTransitionTime: {{ $now | Quote }}}
- {type: ContainersReady, status: "True", lastTransitionTime: {{ $now | Quote }}}
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
"""


def _ended(phase: str, code: str = "") -> str:
    """The status of a terminated pod, with this exit code or the one in its annotation."""
    note = f'index $pod.metadata.annotations "{PREFIX}/%s"'
    code = code or f"{{{{ {note % 'exit'} }}}}"
    return f"""
{{{{ $now := Now }}}}
{{{{ $pod := . }}}}
conditions:
- {{type: Ready, status: "False", reason: PodCompleted, lastTransitionTime: {{{{ $now | Quote }}}}}}
- {{type: ContainersReady, status: "False", reason: PodCompleted, lastTransitionTime: {{{{ $now | Quote }}}}}}
containerStatuses:
{{{{ range .spec.containers }}}}
- name: {{{{ .name | Quote }}}}
  image: {{{{ .image | Quote }}}}
  ready: false
  restartCount: 0
  state:
    terminated:
      exitCode: {code}
      message: {{{{ {note % "message"} | Quote }}}}
      reason: {"Completed" if phase == "Succeeded" else "Error"}
      startedAt: {{{{ $now | Quote }}}}
      finishedAt: {{{{ $now | Quote }}}}
{{{{ end }}}}
phase: {phase}
"""
