"""The chart's files: values agree with the program, the schema is strict, RBAC rules are minimal."""

import copy
import ipaddress
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml

import inference_image_contract
from inference_image_operator import api
from inference_image_operator.config import installation

CHART = Path(__file__).parents[3] / "deploy" / "helm"

RULES = [
    {"apiGroups": ["uai.ucloud.cn"], "resources": ["inferenceimages"], "verbs": ["get", "list", "watch"]},
    {"apiGroups": ["uai.ucloud.cn"], "resources": ["inferenceimages/status"], "verbs": ["patch"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "delete", "get", "list", "watch"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]},
    {"apiGroups": [""], "resources": ["pods/log"], "verbs": ["get"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "list", "watch"]},
]


def _yaml(path: str) -> Any:
    return yaml.safe_load((CHART / path).read_text())


@pytest.fixture
def values() -> dict[str, Any]:
    """The default values plus the required images."""
    return _yaml("values.yaml") | _yaml("ci/test-values.yaml")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads((CHART / "values.schema.json").read_text())


def test_the_chart_has_the_projects_version() -> None:
    chart = _yaml("Chart.yaml")
    assert {chart["version"], chart["appVersion"]} == {inference_image_contract.__version__}


def test_rights_are_exactly_what_the_operator_uses() -> None:
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    (rules,) = re.findall(r'define "operator.rules" -}}(.*?){{- end', helpers, re.DOTALL)
    assert yaml.safe_load(rules) == RULES


def test_rights_on_targets_of_rollouts_are_those_of_the_allowed_kinds() -> None:
    """`tests/loop/test_rollout.py` asks an authorizer for them."""
    helpers = (CHART / "templates" / "_helpers.tpl").read_text()
    (rules,) = re.findall(r'define "operator.rolloutRules" -}}\n(.*?)\n{{- end -}}', helpers, re.DOTALL)
    parts = re.findall(r'{{- if has "(\w+)" .Values.config.rollout.allowed }}\n(.*?)\n{{- end }}', rules, re.DOTALL)
    assert {kind: yaml.safe_load(rule) for kind, rule in parts} == {
        "Deployment": [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}],
        "InferenceService": [
            {"apiGroups": ["serving.kserve.io"], "resources": ["inferenceservices"], "verbs": ["get", "patch"]}
        ],
        "ConfigMap": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "patch"]}],
    }
    assert rules.count("verbs") == len(parts)


def test_no_template_grants_other_rights() -> None:
    rbac = (CHART / "templates" / "rbac.yaml").read_text()
    assert re.findall(r"rules:\n(.*)\n(.*)\n", rbac) == [
        tuple(f'  {{{{- include "operator.{name}" {scope} | nindent 2 }}}}' for name in ("rules", "rolloutRules"))
        for scope in ("$", ".")
    ]
    assert [path.name for path in CHART.glob("templates/**/*.*") if "rules:" in path.read_text()] == ["rbac.yaml"]


def test_default_values_are_the_programs_defaults(values: dict[str, Any]) -> None:
    images = _of_steps(values)
    written = {"images": images, "watchNamespaces": values["watchNamespaces"], **values["config"]}
    read = installation.parse(yaml.safe_dump(written))
    assert read == installation.Config(images=installation.Images(**images))


def test_the_files_for_kustomize_have_the_default_configuration(values: dict[str, Any]) -> None:
    """tests/chart compares every object; this needs no helm. `make kustomize` writes the files."""
    written = yaml.safe_load((CHART.parent / "kustomize" / "base" / "config.yaml").read_text())
    assert {name: written[name] for name in values["config"] if name != "sources"} == {
        name: value for name, value in values["config"].items() if name != "sources"
    }
    assert written["sources"].keys() == values["config"]["sources"].keys()


def test_the_example_for_uk8s_stays_inside_the_network(values: dict[str, Any], schema: dict[str, Any]) -> None:
    example = _yaml("uk8s-values.yaml")
    merged = values | {"images": values["images"] | example["images"]}
    merged["config"] = values["config"] | {"ufile": values["config"]["ufile"] | example["config"]["ufile"]}
    jsonschema.validate(merged, schema)
    read = installation.parse(yaml.safe_dump({**merged["config"], "images": _of_steps(merged)}))
    inside = api.read(api.UFileSpec, {"bucket": "b", "region": "cn-bj", "secretRef": {"name": "u"}})
    assert read.endpoint(inside) == installation.UFileEndpoint(scheme="http", suffix=".ufile.cn-north-02.ucloud.cn")


def _of_steps(values: dict[str, Any]) -> dict[str, Any]:
    return {name: image for name, image in values["images"].items() if name not in ("operator", "registry")}


def test_every_setting_of_the_program_is_a_value(schema: dict[str, Any]) -> None:
    document = msgspec.json.schema(installation.Config)
    outside = {"images", "installation", "watchNamespaces", "excludeNamespaces", "watchSelector", "probes", "traces"}
    settings = set(document["$defs"]["Config"]["properties"]) - outside
    assert set(schema["properties"]["config"]["properties"]) == settings
    for name, section in schema["properties"]["config"]["properties"].items():
        reference = document["$defs"]["Config"]["properties"][name].get("$ref")
        if reference:
            known = document["$defs"][reference.rsplit("/", 1)[1]]["properties"]
            assert set(section["properties"]) == set(known), name


def test_default_values_with_images_pass_the_schema(values: dict[str, Any], schema: dict[str, Any]) -> None:
    jsonschema.validate(values, schema)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("images.operator", ""),
        ("images.kaniko", "registry.test/kaniko"),
        ("images.kaniko", "registry.test/kaniko@sha256:12"),
        ("images.more", "registry.test/a:1"),
        ("images.registry", "https://registry.test"),
        ("images.registry", "registry.test/a/"),
        ("podLabels", {"a": 1}),
        ("podDisruptionBudget.maxUnavailable", 2),
        ("extraObjects", [1]),
        ("surprise", 1),
        ("config.surprise", 1),
        ("config.registries.allowed", []),
        ("config.registries.allowed", ["https://registry.test"]),
        ("config.registries.aliases", [["uhub.ucloud.cn"]]),
        ("config.registries.limits", {"uhub.ucloud.cn": {"maxLayers": 1}}),
        ("config.registries.limits", {"uhub.ucloud.cn": {"maxLayer": "big"}}),
        ("config.registries.keepContentTags", -1),
        ("config.registries.deleteImages", "yes"),
        ("config.ufile.allowedEndpoints", [{"scheme": "file", "suffix": ".a"}]),
        ("config.ufile.allowedEndpoints", [{"scheme": "http", "suffix": "a"}]),
        ("config.ufile.proxy.url", "http://user:password@proxy.test:3128"),
        ("config.ufile.proxy.url", "proxy.test:3128"),
        ("config.ufile.proxy.noProxy", ["a,b"]),
        ("config.ufile.caConfigMap", "UPPER"),
        ("config.ufile.limits.maxFiles", 0),
        ("config.ufile.network", "VPC"),
        ("config.ufile.regions", {"cn-bj": {"public": "cn-bj.ufileos.com"}}),
        ("config.ufile.regions", {"CN": {}}),
        ("config.ufile.regions", {"cn-bj": {"private": "http://a"}}),
        ("config.ufile.restore.standard", {"every": "15m"}),
        ("config.ufile.restore.standard", {"every": "soon", "deadline": "1h"}),
        ("config.jobs.resources.kanikoo", {}),
        ("config.jobs.maximum.memory", "lots"),
        ("config.jobs.buildUserNamespaces", "Build"),
        ("config.resync", "10"),
        ("config.workers", 0),
        ("logLevel", "LOUD"),
        ("watchNamespaces", ["A"]),
        ("networkPolicy.stepPorts", [0]),
    ],
)
def test_wrong_values_are_refused(values: dict[str, Any], schema: dict[str, Any], path: str, value: Any) -> None:
    wrong = copy.deepcopy(values)
    *parents, last = path.split(".")
    place = wrong
    for parent in parents:
        place = place[parent]
    place[last] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, schema)


@pytest.mark.parametrize("address", ["169.254.169.254", "100.80.80.80", "100.100.100.200"])
def test_steps_cannot_reach_the_metadata_service(values: dict[str, Any], address: str) -> None:
    """100.80.80.80 is UCloud's, including user data; 169.254.169.254 is that of most other clouds."""
    denied = [ipaddress.ip_network(one) for one in values["networkPolicy"]["stepDenied"]]
    assert any(ipaddress.ip_address(address) in network for network in denied)
