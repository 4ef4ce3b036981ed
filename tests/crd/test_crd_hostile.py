"""Hostile values in every string of the spec: rejected, or stored unchanged."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

ROW_44 = pytest.mark.row(
    44, "hostile values in every string of the API: refused, or stored literally and one literal argument or variable"
)

FULL = {
    "suspend": False,
    "ufile": {
        "bucket": "uai-demo",
        "endpoint": {"scheme": "http", "suffix": ".ufile.test"},
        "secretRef": {"name": "ufile"},
        "restore": "Standard",
    },
    "model": {
        "prefix": "train/",
        "checkpoint": {"step": 1},
        "pipelineConfig": "pipeline.config",
        "labelMap": "label_map.pbtxt",
    },
    "export": {
        "inputType": "image_tensor",
        "outputPrefix": "export/",
        "formats": ["FrozenGraph"],
        "readableBy": "1.7",
        "timeout": "30m",
        "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    },
    "source": {
        "configMap": {"name": "code", "items": [{"key": "main.py", "path": "code/main.py"}]},
        "dockerfile": "Dockerfile",
        "checkpointDir": "code/checkpoint_dir",
    },
    "build": {
        "args": {"A": "b"},
        "builder": "Kaniko",
        "cache": {"repository": "uhub.ucloud.cn/demo/cache"},
        "timeout": "1h",
        "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
    },
    "image": {
        "repository": "uhub.ucloud.cn/demo/a",
        "tags": ["test"],
        "additionalRepositories": ["uhub.ucloud.cn/demo/b"],
        "tagPolicy": "Overwrite",
        "pin": "sha256:" + "0" * 64,
        "pushSecretRef": {"name": "uhub"},
        "caSecretRef": {"name": "uhub-ca"},
    },
    "test": {
        "sample": "dog.jpg",
        "readyPath": "/initialized",
        "path": "/service",
        "timeout": "2m",
        "resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}},
        "expect": {"fields": [{"path": "/detections/0", "equals": "circle"}]},
    },
    "rollout": {"deployment": {"name": "server", "container": "main"}, "timeout": "10m"},
    "ttlAfterFinished": "24h",
    "resources": {
        step: {"requests": {"memory": "1Gi"}, "limits": {"memory": "1Gi"}}
        for step in ("resolve", "assemble", "report", "probe", "publish")
    },
    "podMetadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}},
    "scheduling": {
        "nodeSelector": {"a": "b"},
        "priorityClassName": "batch",
        "runtimeClassName": "gvisor",
        "queueName": "detectors",
        "imagePullSecrets": [{"name": "pull"}],
        "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoSchedule"}],
    },
}
OTHER_SOURCES: dict[tuple[str, ...], dict[str, Any]] = {
    ("git",): {"url": "https://a/b", "ref": "main", "path": "code", "poll": "10m", "secretRef": {"name": "git"}},
    ("ufile", "prefix"): {"prefix": "code/"},
    ("ufile", "archive"): {"archive": "code.zip"},
}
OTHER_ROLLOUTS: dict[str, dict[str, str]] = {
    "configMap": {"name": "images", "key": "image"},
    "inferenceService": {"name": "server"},
}
NAMED = ("model", "checkpoint", "name")
# the alternative endpoint, fields that need another field, and the alternative graph
ELSEWHERE = {
    "ufile.region",
    "ufile.network",
    "model.checkpoint.policy",
    "model.checkpoint.poll",
    "model.checkpoint.waitFor",
    "export.frozenGraph.key",
}

CONTROL = ["\x00", "a\x00b", "a\nb", "\n", "a\rb", "a\tb", "\x1b[31m", "\x7f", "\u0085", "a\u2028b", "a\u2029b"]
PRINTABLE = [
    "--flag",
    "-x",
    "--context=/",
    ";",
    "; rm -rf /",
    "&& id",
    "| id",
    "`id`",
    "$(id)",
    "$(UFILE_PRIVATE_KEY)",
    "$$(UFILE_PRIVATE_KEY)",
    "${IFS}",
    "'",
    '"',
    "\\",
    "%00",
    "%2e%2e%2f",
    "../../etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "http://127.0.0.1",
    "@evil.test/a",
    "evil.test#",
    "*",
    "{{ .Values }}",
    "{step}",
    "<script>",
    " ",
    "\u202e",
    "\U0001f4a9",
    "__proto__",
    "null",
    "true",
    "0x10",
    "a" * 5000,
]


def _leaves(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all strings."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for name, child in children:
        if isinstance(child, str):
            yield (*path, name)
        yield from _leaves(child, (*path, name))


def _get(node: Any, path: tuple[Any, ...]) -> Any:
    for name in path:
        node = node[name]
    return node


def _dotted(path: tuple[Any, ...]) -> str:
    return ".".join("*" if isinstance(name, int) or name in {"memory", "A", "a"} else name for name in path)


def _spec(path: tuple[Any, ...]) -> dict[str, Any]:
    """The full spec that contains the path, with another source for paths of that source."""
    spec = copy.deepcopy(FULL)
    if path == NAMED:
        spec["model"]["checkpoint"] = {"name": "model.ckpt"}
        spec["image"]["tags"] = ["latest"]
    for target, rollout in OTHER_ROLLOUTS.items():
        if path[:2] == ("rollout", target):
            spec["rollout"] = {target: dict(rollout)}
    for place, source in OTHER_SOURCES.items():
        if path[1 : len(place) + 1] == place:
            del spec["source"]["configMap"]
            spec["source"][place[0]] = copy.deepcopy(source)
    return spec


LEAVES = list(_leaves(FULL))
LEAVES += [NAMED]
LEAVES += [("rollout", *path) for path in _leaves(OTHER_ROLLOUTS)]
LEAVES += [("source", place[0], *path) for place, source in OTHER_SOURCES.items() for path in _leaves(source)]
PLAIN_POD_FIELDS = "scheduling.tolerations"  # copied as JSON into the pod, where the API server validates them


def _try(server: Any, refused: Any, path: tuple[Any, ...], value: str) -> bool:
    """Whether the API server accepts the value; an accepted value must be stored unchanged."""
    spec = _spec(path)
    _get(spec, path[:-1])[path[-1]] = value
    manifest = {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": {"name": "x"},
        "spec": spec,
    }
    try:
        stored = server.create(manifest)
    except refused:
        return False
    assert _get(stored["spec"], path) == value
    return True


@ROW_44
@pytest.mark.parametrize("path", LEAVES, ids=_dotted)
def test_printable_values_are_refused_or_stored_literally(server: Any, refused: Any, path: tuple[Any, ...]) -> None:
    for value in PRINTABLE:
        _try(server, refused, path, value)


@ROW_44
@pytest.mark.parametrize(
    "path", [path for path in LEAVES if not _dotted(path).startswith(PLAIN_POD_FIELDS)], ids=_dotted
)
def test_control_characters_are_refused(server: Any, refused: Any, path: tuple[Any, ...]) -> None:
    taken = [value for value in CONTROL if _try(server, refused, path, value)]
    assert taken == []


@ROW_44
@pytest.mark.parametrize(
    "place",
    [("build", "args"), ("scheduling", "nodeSelector"), ("podMetadata", "labels"), ("export", "resources", "limits")],
)
def test_hostile_names_of_map_entries_are_refused(server: Any, refused: Any, place: tuple[str, ...]) -> None:
    for name in [*CONTROL, *(value for value in PRINTABLE if value not in {"__proto__", "null", "true", "0x10"})]:
        spec = copy.deepcopy(FULL)
        _get(spec, place)[name] = "1"
        manifest = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": "x"}}
        with pytest.raises(refused):
            server.create({**manifest, "spec": spec})


@pytest.mark.parametrize(
    "path",
    [
        ("suspend",),
        NAMED,
        *(("rollout", target) for target in OTHER_ROLLOUTS),
        *(("source", *place) for place in OTHER_SOURCES),
    ],
    ids=_dotted,
)
def test_the_unchanged_manifest_is_accepted(server: Any, path: tuple[Any, ...]) -> None:
    manifest = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": "x"}}
    server.create({**manifest, "spec": _spec(path)})


@ROW_44
def test_every_string_of_the_api_is_covered(crd: dict[str, Any]) -> None:
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    in_schema = {path for path in _schema_strings(spec) if not path.startswith("scheduling.affinity.")}
    assert in_schema - {_dotted(path) for path in LEAVES} == ELSEWHERE


def _schema_strings(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    if schema.get("type") == "string" or schema.get("x-kubernetes-int-or-string"):
        yield path
    children = dict(schema.get("properties", {}))
    for key in ("items", "additionalProperties"):
        if key in schema:
            children["*"] = schema[key]
    for name, child in children.items():
        yield from _schema_strings(child, f"{path}.{name}" if path else name)


def _references(schema: dict[str, Any], path: str = "spec") -> Iterator[tuple[str, dict[str, Any]]]:
    """Fields that name a Secret or a ConfigMap."""
    for name, field in schema.get("properties", {}).items():
        found = field.get("items", field)
        if name.endswith("SecretRef") or name in {"secretRef", "configMap", "imagePullSecrets"}:
            yield f"{path}.{name}", found
        yield from _references(found, f"{path}.{name}")


@pytest.mark.row(49, "a Secret of another namespace: no field can name it")
def test_a_secret_of_another_namespace_cannot_be_named(crd: dict[str, Any], server: Any, refused: Any) -> None:
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    found = dict(_references(spec))
    assert len(found) >= 6
    assert {name for one in found.values() for name in one["properties"]} == {"name", "items", "key"}
    for value in ("other/ufile", "../other/ufile", "other.svc/ufile", "other:ufile"):
        manifest = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": "x"}}
        spec = copy.deepcopy(FULL)
        spec["ufile"]["secretRef"] = {"name": value}
        with pytest.raises(refused):
            server.create({**manifest, "spec": spec})


@pytest.mark.row(51, "who may only create InferenceImages: no service account, host path, privilege or Kaniko flag")
@pytest.mark.parametrize(
    ("place", "field"),
    [
        ((), {"serviceAccountName": "admin"}),
        (("scheduling",), {"serviceAccountName": "admin"}),
        (("scheduling",), {"hostNetwork": True}),
        (("podMetadata",), {"volumes": [{"name": "x", "hostPath": {"path": "/"}}]}),
        (("build",), {"securityContext": {"privileged": True}}),
        (("build",), {"flags": ["--insecure"]}),
        (("build",), {"extraArgs": ["--insecure"]}),
        (("test",), {"env": [{"name": "A", "value": "b"}]}),
        (("test",), {"command": ["sh"]}),
    ],
)
def test_what_only_an_administrator_may_set_is_no_field(
    server: Any, refused: Any, place: tuple[str, ...], field: dict[str, Any]
) -> None:
    spec = copy.deepcopy(FULL)
    _get(spec, place).update(field)
    manifest = {"apiVersion": "uai.ucloud.cn/v1alpha1", "kind": "InferenceImage", "metadata": {"name": "x"}}
    with pytest.raises(refused, match="unknown field"):
        server.create({**manifest, "spec": spec})
